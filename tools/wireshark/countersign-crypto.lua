-- SHA-256, HMAC, the protocol's Label, and AES-256-GCM, in plain Lua: Wireshark's own ciphers are not in every version.
-- Byte strings in, byte strings out. For recordings alone: none of it takes the same time for all secrets.

local byte, char, rep, sub = string.byte, string.char, string.rep, string.sub

-- Lua 5.2 has bit32; from 5.3 on there are operators, which 5.2 could not even read.
local bits = bit32 or load [[
  return {
    bxor = function(a, b, ...) a = a ~ b for _, c in ipairs { ... } do a = a ~ c end return a end,
    band = function(a, b) return a & b end,
    bor = function(a, b, ...) a = a | b for _, c in ipairs { ... } do a = a | c end return a end,
    bnot = function(a) return ~a & 0xffffffff end,
    lshift = function(a, n) return (a << n) & 0xffffffff end,
    rshift = function(a, n) return a >> n end,
    rrotate = function(a, n) return (a >> n | a << (32 - n)) & 0xffffffff end,
  }
]]()
local bxor, band, bor, bnot, lshift, rshift, rrotate =
  bits.bxor, bits.band, bits.bor, bits.bnot, bits.lshift, bits.rshift, bits.rrotate

local function u32(text, at)
  local a, b, c, d = byte(text, at, at + 3)
  return a * 0x1000000 + b * 0x10000 + c * 0x100 + d
end

local function bytes32(...)
  local words = { ... }
  for i, word in ipairs(words) do
    words[i] = char(rshift(word, 24), band(rshift(word, 16), 255), band(rshift(word, 8), 255), band(word, 255))
  end
  return table.concat(words)
end

-- ---- SHA-256 (FIPS 180-4); its constants are the roots of the first primes

local K, START = {}, {}
do
  local function fraction(root)
    return math.floor((root - math.floor(root)) * 0x100000000)
  end
  local prime, found = 2, 0
  while found < 64 do
    local isPrime = true
    for divisor = 2, prime - 1 do
      if prime % divisor == 0 then
        isPrime = false
        break
      end
    end
    if isPrime then
      found = found + 1
      K[found] = fraction(prime ^ (1 / 3))
      if found <= 8 then START[found] = fraction(prime ^ 0.5) end
    end
    prime = prime + 1
  end
end

local function sha256(message)
  local padded = message .. '\128' .. rep('\0', (55 - #message) % 64) .. bytes32(math.floor(#message / 0x20000000), (#message * 8) % 0x100000000)
  local h1, h2, h3, h4, h5, h6, h7, h8 = table.unpack(START)
  local w = {}
  for block = 1, #padded, 64 do
    for i = 1, 16 do w[i] = u32(padded, block + 4 * i - 4) end
    for i = 17, 64 do
      local x, y = w[i - 15], w[i - 2]
      local s0 = bxor(rrotate(x, 7), rrotate(x, 18), rshift(x, 3))
      local s1 = bxor(rrotate(y, 17), rrotate(y, 19), rshift(y, 10))
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) % 0x100000000
    end
    local a, b, c, d, e, f, g, h = h1, h2, h3, h4, h5, h6, h7, h8
    for i = 1, 64 do
      local s1 = bxor(rrotate(e, 6), rrotate(e, 11), rrotate(e, 25))
      local choice = bxor(band(e, f), band(bnot(e), g))
      local t1 = h + s1 + choice + K[i] + w[i]
      local s0 = bxor(rrotate(a, 2), rrotate(a, 13), rrotate(a, 22))
      local majority = bxor(band(a, b), band(a, c), band(b, c))
      h, g, f, e, d, c, b, a = g, f, e, (d + t1) % 0x100000000, c, b, a, (t1 + s0 + majority) % 0x100000000
    end
    h1, h2, h3, h4 = (h1 + a) % 0x100000000, (h2 + b) % 0x100000000, (h3 + c) % 0x100000000, (h4 + d) % 0x100000000
    h5, h6, h7, h8 = (h5 + e) % 0x100000000, (h6 + f) % 0x100000000, (h7 + g) % 0x100000000, (h8 + h) % 0x100000000
  end
  return bytes32(h1, h2, h3, h4, h5, h6, h7, h8)
end

local function hmac(key, message)
  if #key > 64 then key = sha256(key) end
  key = key .. rep('\0', 64 - #key)
  local function with(mask)
    return (key:gsub('.', function(c) return char(bxor(byte(c), mask)) end))
  end
  return sha256(with(0x5c) .. sha256(with(0x36) .. message))
end

-- Label(secret, name, "", length) of the protocol's section 1, for at most 32 bytes.
local function label(secret, name, length)
  name = 'countersign/1 ' .. name
  return sub(hmac(secret, char(0, length, #name) .. name .. '\0\1'), 1, length)
end

-- ---- AES-256 (FIPS 197), encryption alone: GCM needs no other

local SBOX, T0, T1, T2, T3 = {}, {}, {}, {}, {}
do
  local function double(x)
    x = x * 2
    return x > 255 and bxor(x, 0x11b) or x
  end
  -- p runs through all elements but zero, and q through their inverses.
  local p, q = 1, 1
  SBOX[0] = 0x63
  repeat
    p = bxor(p, double(p))
    q = bxor(q, lshift(q, 1))
    q = bxor(q, lshift(q, 2))
    q = band(bxor(q, lshift(q, 4)), 255)
    if q >= 128 then q = bxor(q, 9) end
    local turned = q + q * 256
    local affine = bxor(bxor(q, rshift(turned, 7), rshift(turned, 6)), rshift(turned, 5), rshift(turned, 4))
    SBOX[p] = bxor(band(affine, 255), 0x63)
  until p == 1
  for i = 0, 255 do
    local s = SBOX[i]
    local s2 = double(s)
    T0[i] = s2 * 0x1000000 + s * 0x10000 + s * 0x100 + bxor(s2, s)
    T1[i], T2[i], T3[i] = rrotate(T0[i], 8), rrotate(T0[i], 16), rrotate(T0[i], 24)
  end
end

local function substitute(word)
  return SBOX[rshift(word, 24)] * 0x1000000
    + SBOX[band(rshift(word, 16), 255)] * 0x10000
    + SBOX[band(rshift(word, 8), 255)] * 0x100
    + SBOX[band(word, 255)]
end

local function expandKey(key)
  local words = {}
  for i = 0, 7 do words[i] = u32(key, 4 * i + 1) end
  local round = 1
  for i = 8, 59 do
    local word = words[i - 1]
    if i % 8 == 0 then
      word = bxor(substitute(rrotate(word, 24)), round * 0x1000000)
      round = round * 2
    elseif i % 8 == 4 then
      word = substitute(word)
    end
    words[i] = bxor(words[i - 8], word)
  end
  return words
end

local function encrypt(k, a, b, c, d)
  a, b, c, d = bxor(a, k[0]), bxor(b, k[1]), bxor(c, k[2]), bxor(d, k[3])
  for i = 4, 52, 4 do
    local e = bxor(bxor(T0[rshift(a, 24)], T1[band(rshift(b, 16), 255)], T2[band(rshift(c, 8), 255)]), T3[band(d, 255)], k[i])
    local f = bxor(bxor(T0[rshift(b, 24)], T1[band(rshift(c, 16), 255)], T2[band(rshift(d, 8), 255)]), T3[band(a, 255)], k[i + 1])
    local g = bxor(bxor(T0[rshift(c, 24)], T1[band(rshift(d, 16), 255)], T2[band(rshift(a, 8), 255)]), T3[band(b, 255)], k[i + 2])
    local h = bxor(bxor(T0[rshift(d, 24)], T1[band(rshift(a, 16), 255)], T2[band(rshift(b, 8), 255)]), T3[band(c, 255)], k[i + 3])
    a, b, c, d = e, f, g, h
  end
  local function last(w, x, y, z, key)
    local word = SBOX[rshift(w, 24)] * 0x1000000 + SBOX[band(rshift(x, 16), 255)] * 0x10000
    return bxor(word + SBOX[band(rshift(y, 8), 255)] * 0x100 + SBOX[band(z, 255)], key)
  end
  return last(a, b, c, d, k[56]), last(b, c, d, a, k[57]), last(c, d, a, b, k[58]), last(d, a, b, c, k[59])
end

-- ---- GCM (NIST SP 800-38D)

-- For each of the 16 bytes of a block and each of its values its product with H: a product is then 16 look-ups.
local function products(h1, h2, h3, h4)
  local tables = {}
  for position = 1, 16 do
    local t = { [0] = { 0, 0, 0, 0 } }
    local bit = 128
    while bit >= 1 do
      t[bit] = { h1, h2, h3, h4 }
      local carry = band(h4, 1)
      h4 = bor(rshift(h4, 1), lshift(band(h3, 1), 31))
      h3 = bor(rshift(h3, 1), lshift(band(h2, 1), 31))
      h2 = bor(rshift(h2, 1), lshift(band(h1, 1), 31))
      h1 = rshift(h1, 1)
      if carry == 1 then h1 = bxor(h1, 0xe1000000) end
      bit = bit / 2
    end
    for value = 1, 255 do
      if not t[value] then
        local high = 128
        while high > value do high = high / 2 end
        local x, y = t[high], t[value - high]
        t[value] = { bxor(x[1], y[1]), bxor(x[2], y[2]), bxor(x[3], y[3]), bxor(x[4], y[4]) }
      end
    end
    tables[position] = t
  end
  return tables
end

local function ghash(tables, text)
  local z1, z2, z3, z4 = 0, 0, 0, 0
  for at = 1, #text, 16 do
    local x1, x2 = bxor(z1, u32(text, at)), bxor(z2, u32(text, at + 4))
    local x3, x4 = bxor(z3, u32(text, at + 8)), bxor(z4, u32(text, at + 12))
    z1, z2, z3, z4 = 0, 0, 0, 0
    local position = 1
    for _, word in ipairs { x1, x2, x3, x4 } do
      for shift = 24, 0, -8 do
        local p = tables[position][band(rshift(word, shift), 255)]
        z1, z2, z3, z4 = bxor(z1, p[1]), bxor(z2, p[2]), bxor(z3, p[3]), bxor(z4, p[4])
        position = position + 1
      end
    end
  end
  return z1, z2, z3, z4
end

-- A key ready for use: open(nonce, associated, body) gives the plaintext of a body whose last 16 bytes are its tag, or
-- nil where the tag does not hold.
local function aesGcm(key)
  local schedule = expandKey(key)
  local tables = products(encrypt(schedule, 0, 0, 0, 0))
  return function(nonce, associated, body)
    local sealed, tag = sub(body, 1, -17), sub(body, -16)
    local n1, n2, n3 = u32(nonce, 1), u32(nonce, 5), u32(nonce, 9)
    local function filled(text)
      return text .. rep('\0', -#text % 16)
    end
    local lengths = bytes32(0, #associated * 8, math.floor(#sealed / 0x20000000), (#sealed * 8) % 0x100000000)
    local z1, z2, z3, z4 = ghash(tables, filled(associated) .. filled(sealed) .. lengths)
    local m1, m2, m3, m4 = encrypt(schedule, n1, n2, n3, 1)
    if bytes32(bxor(z1, m1), bxor(z2, m2), bxor(z3, m3), bxor(z4, m4)) ~= tag then return nil end
    local padded, plain = filled(sealed), {}
    for at = 1, #sealed, 16 do
      local k1, k2, k3, k4 = encrypt(schedule, n1, n2, n3, (at - 1) / 16 + 2)
      plain[#plain + 1] = bytes32(
        bxor(u32(padded, at), k1),
        bxor(u32(padded, at + 4), k2),
        bxor(u32(padded, at + 8), k3),
        bxor(u32(padded, at + 12), k4)
      )
    end
    return sub(table.concat(plain), 1, #sealed)
  end
end

-- What opens the bodies sealed under one secret: opener(seq, header, body).
local function opener(secret)
  local open, iv = aesGcm(label(secret, 'key', 32)), label(secret, 'iv', 12)
  return function(seq, header, body)
    local high, low = math.floor(seq / 0x100000000), seq % 0x100000000
    local nonce = sub(iv, 1, 4) .. bytes32(bxor(u32(iv, 5), high), bxor(u32(iv, 9), low))
    return open(nonce, header, body)
  end
end

return { sha256 = sha256, hmac = hmac, label = label, aesGcm = aesGcm, opener = opener, bytes32 = bytes32 }
