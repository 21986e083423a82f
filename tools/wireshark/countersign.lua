-- A Wireshark dissector of the Countersign protocol, version 1 (docs/PROTOCOL.md): it names every frame and field, and
-- with a key log (the preference countersign.keylog) opens what is sealed. README.md says how to use it.

local source = debug.getinfo(1, 'S').source
local crypto = dofile((source:match '^@(.*[/\\])' or '') .. 'countersign-crypto.lua')

local proto = Proto('countersign', 'Countersign')
proto.prefs.keylog = Pref.string('Key log', '', 'A file that COUNTERSIGN_KEYLOG made: it opens the sessions that are logged in it')

local FRAMES = { 'HELLO', 'HELLO+ACK', 'ACK', 'SESSION-KEY', 'RECORD' }
local KINDS = { 'MESSAGE', 'MESSAGE-END', 'RECEIPT', 'KEY-UPDATE', 'PING', 'PONG', 'CLOSE' }
local STATUSES = { [0] = 'accepted', 'not trusted', 'revoked', 'busy', 'own key' }
local OUTCOMES = { 'stored', 'received', 'refused', 'conflict', 'withdrawn' }
local REASONS = { [0] = 'done', 'going away', 'idle', 'superseded', 'protocol error', 'gap', 'cannot store', 'revoked', 'internal' }

-- ---- fields, by their names in filters

local fields = {}
local function field(name, kind, label, names)
  local make = ProtoField[kind]
  local abbreviation = 'countersign.' .. name
  if kind == 'bytes' or kind == 'string' then
    fields[name] = make(abbreviation, label)
  elseif kind == 'absolute_time' then
    fields[name] = make(abbreviation, label, base.UTC)
  else
    fields[name] = make(abbreviation, label, base.DEC, names)
  end
end

field('type', 'uint8', 'Type', FRAMES)
field('length', 'uint24', 'Length')
field('magic', 'string', 'Magic')
field('version', 'uint8', 'Version')
field('reserved', 'uint24', 'Reserved')
field('random', 'bytes', 'Random')
field('kem_public.ml_kem', 'bytes', 'X-Wing key: ML-KEM-768')
field('kem_public.x25519', 'bytes', 'X-Wing key: X25519')
field('gate', 'bytes', 'Gate')
field('kem_ciphertext.ml_kem', 'bytes', 'X-Wing ciphertext: ML-KEM-768')
field('kem_ciphertext.x25519', 'bytes', 'X-Wing ciphertext: X25519')
field('sealed', 'bytes', 'Sealed')
field('tag', 'bytes', 'Tag')
field('opened', 'bytes', 'Opened')
field('prefix', 'uint64', 'Length of what follows')
field('key_id', 'bytes', 'keyId')
field('outbox', 'bytes', 'Outbox')
field('journal', 'bytes', 'Journal')
field('position.next', 'uint64', 'Position: next')
field('position.offset', 'uint64', 'Position: offset')
field('position.digest', 'bytes', 'Position: digest')
field('max_item', 'uint64', 'Longest item')
field('receives', 'uint8', 'Receives')
field('signature', 'bytes', 'Signature')
field('mac', 'bytes', 'MAC')
field('padding', 'bytes', 'Padding')
field('status', 'uint8', 'Status', STATUSES)
field('session_key', 'bytes', 'Session key, as it was wrapped')
field('confirm', 'bytes', 'Confirmation')
field('text', 'string', 'Text')
field('kind', 'uint8', 'Kind', KINDS)
field('nonce', 'bytes', 'Nonce')
field('reason', 'uint8', 'Reason', REASONS)
field('part', 'bytes', 'Part of an envelope')
field('from', 'bytes', 'From')
field('to', 'bytes', 'To')
field('first', 'uint64', 'First')
field('sent_at', 'absolute_time', 'Sent at')
field('count', 'uint32', 'Count')
field('leaf', 'bytes', 'Leaf')
field('withdrawn', 'bytes', 'Withdrawn')
field('offset', 'uint64', 'Offset')
field('item.mark', 'uint8', 'Mark')
field('item.salt', 'bytes', 'Salt')
field('item.attribute.name', 'string', 'Attribute')
field('item.attribute.value', 'string', 'Value')
field('item.body', 'bytes', 'Body')
field('digest', 'bytes', 'Digest')
field('outcome', 'uint8', 'Outcome', OUTCOMES)
field('received_at', 'absolute_time', 'Received at')
field('index', 'uint64', 'Index')
field('chain', 'bytes', 'Chain')
proto.fields = fields

local no_secret = ProtoExpert.new('countersign.no_secret', 'The key log does not open this', expert.group.DECRYPTION, expert.severity.NOTE)
proto.experts = { no_secret }

-- ---- the key log: LABEL t2k secret

local logged = {}

local function read_key_log()
  local file = proto.prefs.keylog ~= '' and io.open(proto.prefs.keylog, 'r')
  if not file then return end
  for line in file:lines() do
    local name, id, secret = line:match '^(%u+_%u+) (%x+) (%x+)%s*$'
    if name and #id == 64 and #secret == 64 then logged[id .. name] = secret:gsub('%x%x', function(pair) return string.char(tonumber(pair, 16)) end) end
  end
  file:close()
end

local function secret_of(id, name)
  -- A recording that goes on may be ahead of what was read of the log.
  if not logged[id .. name] then read_key_log() end
  return logged[id .. name]
end

-- ---- what is known of each connection

local stream_number = Field.new 'tcp.stream'
local streams = {}

function proto.init()
  streams, logged = {}, {}
end

local function lp(text)
  return crypto.bytes32(#text) .. text
end

local function hex(text)
  return (text:gsub('.', function(c) return ('%02x'):format(c:byte()) end))
end

local function base64(text)
  local alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  local encoded = text:gsub('..?.?', function(some)
    local a, b, c = some:byte(1, 3)
    local bits, digits = a * 0x10000 + (b or 0) * 0x100 + (c or 0), ''
    for i = 18, 18 - 6 * #some, -6 do
      local digit = math.floor(bits / 2 ^ i) % 64 + 1
      digits = digits .. alphabet:sub(digit, digit)
    end
    return digits .. ('='):rep(3 - #some)
  end)
  return encoded
end

local function sender_of(pinfo)
  return tostring(pinfo.src) .. ' ' .. pinfo.src_port
end

-- A side's sealed frames in their order: the handshake's, then records, whose key a KEY-UPDATE replaces.
local function new_side(handshake, traffic)
  return { labels = { handshake = handshake, traffic = traffic }, seq = { handshake = 0, traffic = 0 }, openers = {} }
end

local function new_stream(client, hello)
  return {
    client = client,
    t1 = crypto.sha256('countersign/1 transcript\0' .. lp(hello)),
    sides = { client = new_side('CLIENT_HANDSHAKE', 'CLIENT_TRAFFIC'), server = new_side('SERVER_HANDSHAKE', 'SERVER_TRAFFIC') },
    -- What each frame came to, by its tag: Wireshark asks again, and in any order.
    seen = {},
  }
end

local function opener_of(stream, side, epoch)
  if not side.openers[epoch] then
    local secret = stream.id and secret_of(stream.id, side.labels[epoch])
    if secret then
      if epoch == 'traffic' then side.secret = secret end
      side.openers[epoch] = crypto.opener(secret)
    end
  end
  return side.openers[epoch]
end

-- The plaintext of a frame, and whether it goes on with an envelope; nil where the key log does not open it.
local function opened(stream, side, epoch, header, body)
  local tag = body:sub(-16)
  local known = stream.seen[tag]
  if known then return known.plain, known.goes_on end
  local seq = side.seq[epoch]
  local open = opener_of(stream, side, epoch)
  local plain = open and open(seq, header, body)
  side.seq[epoch] = seq + 1
  local goes_on = side.within
  if plain and epoch == 'traffic' then
    local kind = plain:byte()
    if kind == 4 then
      side.secret = crypto.label(side.secret, 'traffic update', 32)
      side.openers.traffic, side.seq.traffic = crypto.opener(side.secret), 0
    elseif kind <= 2 then
      side.within = kind == 1
    end
  end
  stream.seen[tag] = { plain = plain, goes_on = goes_on }
  return plain, goes_on
end

-- ---- bytes into fields, one behind the other

local function cursor(range, tree)
  local at = 0
  local self = {}

  function self.left()
    return range:len() - at
  end

  -- The next bytes as a field; as many as are there, where there are fewer.
  function self.add(name, length, to)
    length = math.min(length, self.left())
    if length == 0 then return nil end
    local part = range(at, length)
    at = at + length
    local item = (to or tree):add(fields[name], part)
    return part, item
  end

  function self.number(name, length, to)
    local part = self.add(name, length, to)
    if not part then return 0 end
    return length > 4 and part:uint64():tonumber() or part:uint()
  end

  function self.time(name)
    if self.left() < 8 then return self.add('part', 8) end
    local part = range(at, 8)
    at = at + 8
    local ms = part:uint64():tonumber()
    tree:add(fields[name], part, NSTime.new(math.floor(ms / 1000), (ms % 1000) * 1000000))
  end

  -- A keyId, as people see it too.
  function self.key(name)
    local part, item = self.add(name, 32)
    if part and part:len() == 32 then item:append_text('  sha256//' .. base64(part:raw())) end
  end

  -- What stands behind its length.
  function self.prefixed(name, size, to)
    return self.add(name, self.number('prefix', size or 4, to), to)
  end

  -- A tree of its own for the next bytes, up to so many of them.
  function self.branch(length, text)
    length = math.min(length, self.left())
    local part = range(at, length)
    at = at + length
    return cursor(part, tree:add(part, text))
  end

  return self
end

local function position(c)
  c.number('position.next', 8)
  c.number('position.offset', 8)
  c.add('position.digest', 32)
end

local function proof(c)
  c.prefixed('signature')
  c.add('mac', 32)
  c.add('padding', c.left())
end

local function signed_by(c)
  c.key 'from'
  c.key 'to'
  c.add('outbox', 16)
  return c.number('first', 8)
end

local function item(c)
  c.number('item.mark', 1)
  c.add('item.salt', 16)
  local attributes = c.branch(c.number('prefix', 2), 'Attributes')
  while attributes.left() > 0 do
    attributes.prefixed('item.attribute.name', 1)
    attributes.prefixed('item.attribute.value', 2)
  end
  local body, shown = c.add('item.body', c.left())
  if body then shown:append_text('  ' .. body:raw(0, math.min(body:len(), 64)):gsub('[^\32-\126]', '.')) end
end

-- The start of an envelope, as much of it as its first record holds.
local function envelope(c)
  local statement = c.branch(c.number('prefix', 4), 'Statement of the message')
  local first = signed_by(statement)
  statement.time 'sent_at'
  local count = statement.number('count', 4)
  while statement.left() > 0 do statement.add('leaf', 32) end
  c.prefixed 'signature'
  if c.left() == 8 then
    c.add('withdrawn', 8)
  elseif c.left() > 0 then
    local offset = c.number('offset', 8)
    local lengths = {}
    for i = 1, count do lengths[i] = c.number('prefix', 8) end
    for i = 1, offset == 0 and count or 0 do
      if c.left() == 0 then break end
      item(c.branch(lengths[i], 'Item'))
    end
    c.add('part', c.left())
  end
  return count > 1 and ('#%d to #%d'):format(first, first + count - 1) or ('#%d'):format(first)
end

local function receipt(c)
  local statement = c.branch(c.number('prefix', 4), 'Statement of the receipt')
  local first = signed_by(statement)
  statement.number('count', 4)
  statement.add('digest', 32)
  local outcome = statement.number('outcome', 1)
  statement.time 'received_at'
  statement.add('journal', 16)
  statement.number('index', 8)
  statement.add('chain', 32)
  c.prefixed 'signature'
  return ('#%d %s'):format(first, OUTCOMES[outcome] or outcome)
end

-- What the seals hold; each answers what is worth a word in the list of packets.

local inside = {}

inside['HELLO+ACK'] = function(c)
  local payload = c.branch(c.number('prefix', 4), 'Payload')
  payload.key 'key_id'
  payload.add('outbox', 16)
  proof(c)
end

function inside.ACK(c)
  local payload = c.branch(c.number('prefix', 4), 'Payload')
  payload.key 'key_id'
  payload.add('outbox', 16)
  payload.add('journal', 16)
  position(payload)
  payload.number('max_item', 8)
  payload.number('receives', 1)
  proof(c)
end

inside['SESSION-KEY'] = function(c)
  local status = c.number('status', 1)
  if status ~= 0 then
    c.prefixed 'text'
  else
    c.prefixed 'session_key'
    local data = c.branch(c.number('prefix', 4), 'Data')
    data.add('journal', 16)
    position(data)
    data.number('max_item', 8)
    c.add('confirm', 32)
  end
  c.add('padding', c.left())
  return STATUSES[status] or 'refused'
end

function inside.RECORD(c, goes_on)
  local kind = KINDS[c.number('kind', 1)]
  local more
  if kind == 'MESSAGE' or kind == 'MESSAGE-END' then
    if goes_on then c.add('part', c.left()) else more = envelope(c) end
  elseif kind == 'RECEIPT' then
    more = receipt(c)
  elseif kind == 'PING' or kind == 'PONG' then
    c.add('nonce', 8)
  elseif kind == 'CLOSE' then
    local reason = c.number('reason', 1)
    more = REASONS[reason] or REASONS[8]
    c.prefixed 'text'
  end
  return kind and (more and kind .. ' ' .. more or kind) or 'a record of no known kind'
end

-- ---- frames

local function hello(c)
  c.add('magic', 4)
  c.number('version', 1)
  c.number('reserved', 3)
  c.add('random', 32)
  c.add('kem_public.ml_kem', 1184)
  c.add('kem_public.x25519', 32)
  c.add('gate', 32)
end

local function sealed(tvb, pinfo, tree, name, c, stream)
  if name == 'HELLO+ACK' then
    c.add('random', 32)
    c.add('kem_ciphertext.ml_kem', 1088)
    c.add('kem_ciphertext.x25519', 32)
    if stream then stream.id = hex(crypto.sha256(stream.t1 .. lp(tvb:raw(0, 4 + 32 + 1120)))) end
  end
  local at = tvb:len() - c.left()
  local _, item = c.add('sealed', c.left() - 16)
  c.add('tag', 16)
  if not stream then return end
  local side = stream.sides[sender_of(pinfo) == stream.client and 'client' or 'server']
  local plain, goes_on = opened(stream, side, name == 'RECORD' and 'traffic' or 'handshake', tvb:raw(0, 4), tvb:raw(at))
  if not plain then
    if proto.prefs.keylog ~= '' then item:add_proto_expert_info(no_secret) end
    return
  end
  local bytes = ByteArray.new(plain, true):tvb('Opened ' .. name)
  return inside[name](cursor(bytes:range(), tree:add(fields.opened, bytes:range()):set_text 'Opened'), goes_on)
end

-- What the list of packets says of this one.
local told_of_packet = {}

local function dissect_frame(tvb, pinfo, root)
  local kind = tvb:range(0, 1):uint()
  local name = FRAMES[kind]
  local number = stream_number().value
  if name == 'HELLO' and not (streams[number] and streams[number].hello == tvb:raw()) then
    streams[number] = new_stream(sender_of(pinfo), tvb:raw())
    streams[number].hello = tvb:raw()
  end
  local tree = root:add(proto, tvb:range(), 'Countersign')
  local c = cursor(tvb:range(), tree)
  c.number('type', 1)
  c.number('length', 3)
  local told = name or 'a frame of no known type'
  if name == 'HELLO' then
    hello(c)
  elseif name then
    local more = sealed(tvb, pinfo, tree, name, c, streams[number])
    if more then told = name == 'RECORD' and more or name .. ' ' .. more end
  end
  tree:append_text(', ' .. told)
  told_of_packet[#told_of_packet + 1] = told
  return tvb:len()
end

local function length_of(tvb, pinfo, at)
  return 4 + tvb:range(at + 1, 3):uint()
end

function proto.dissector(tvb, pinfo, root)
  if not FRAMES[tvb:range(0, 1):uint()] then return 0 end
  pinfo.cols.protocol = 'Countersign'
  pinfo.cols.info = ''
  told_of_packet = {}
  dissect_tcp_pdus(tvb, root, 4, length_of, dissect_frame)
  -- What TCP says in brackets stays; and what was told of this packet, where it also held the end of an earlier frame.
  local before = tostring(pinfo.cols.info)
  if before:match '[^%]%s]%s*$' and #told_of_packet > 0 then pinfo.cols.info:append ', ' end
  pinfo.cols.info:append(table.concat(told_of_packet, ', '))
  return tvb:len()
end

-- The port by default, "Decode As" for others, and every conversation that begins with a HELLO.
DissectorTable.get('tcp.port'):add(11564, proto)
proto:register_heuristic('tcp', function(tvb, pinfo, root)
  if tvb:len() < 8 or tvb:raw(0, 8) ~= '\1\0\5\8CSGN' then return false end
  pinfo.conversation = proto
  proto.dissector(tvb, pinfo, root)
  return true
end)
