/** The page's own script: views, bytes, and what became of a flip. Everything that it shows was found when the page was made. */

/** Bytes that are shown of a field at first. */
const SOME = 96

const data = JSON.parse(document.getElementById('data').textContent)
const frames = data.frames.map((frame) => ({ ...frame, bytes: fromHex(frame.bytes), plain: frame.plain && fromHex(frame.plain) }))
const trial = document.getElementById('trial')
const verdict = document.getElementById('verdict')

function fromHex(text) {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
}

function toHex(byte) {
  return byte.toString(16).padStart(2, '0')
}

/** An element with text alone: nothing of the session is ever read as HTML. */
function element(name, { text = '', ...properties } = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties)
  made.append(...(text === '' ? [] : [text]), ...children)
  return made
}

function view() {
  return document.documentElement.dataset.view
}

/** The name of a frame as far as this view can tell: of records an eavesdropper sees no kind. */
function nameOf({ name, record }) {
  return record && view() === 'eavesdropper' ? 'RECORD' : name
}

// ---- views

for (const radio of document.querySelectorAll('.views input')) {
  radio.addEventListener('change', () => {
    document.documentElement.dataset.view = radio.value
    if (radio.value === 'eavesdropper') trial.elements.who.value = 'outside'
    for (const [i, option] of [...trial.elements.frame.options].entries()) option.text = `${i + 1} ${nameOf(frames[i])}`
    clear()
  })
}

// ---- bytes

/** The byte as this view shows it: opened, where the field is one that a seal holds. */
function shown(frame, at, where) {
  return where === 'inside' ? frame.plain[at - frame.sealedAt] : frame.bytes[at]
}

/** Shows the bytes of a field: the first ones, and where `upTo` is given, all up to that one. */
function fill(details, upTo = -1) {
  const area = details.querySelector('.bytes')
  const index = Number(details.closest('.frame').dataset.frame)
  const { at, length, where } = details.dataset
  const [from, to] = [Number(at), Number(at) + Number(length)]
  const until = upTo < from + SOME ? Math.min(to, from + SOME) : to
  const there = area.querySelectorAll('.byte').length
  area.querySelector('.more')?.remove()
  for (let i = from + there; i < until; i++) {
    const text = toHex(shown(frames[index], i, where))
    const byte = element('button', {
      text,
      type: 'button',
      className: 'byte',
      tabIndex: i === from ? 0 : -1,
      ariaLabel: `byte ${i}: ${text}`,
    })
    byte.dataset.at = String(i)
    area.append(byte)
  }
  if (until < to) {
    const more = element('button', { text: `all ${to - from} bytes`, type: 'button', className: 'more' })
    more.addEventListener('click', () => {
      fill(details, to)
      area.querySelector(`[data-at="${until}"]`).focus()
    })
    area.append(more)
  }
  if (there > 0) return
  area.addEventListener('click', ({ target }) => {
    if (target.matches('.byte')) show(index, Number(target.dataset.at), trial.elements.who.value)
  })
  area.addEventListener('keydown', (event) => move(area, event))
}

/** Arrow keys go from byte to byte; the field is one stop of the Tab key. */
function move(area, event) {
  if (!event.target.matches('.byte')) return
  const bytes = [...area.querySelectorAll('.byte')]
  const here = bytes.indexOf(event.target)
  const perRow = bytes.findIndex((byte) => byte.offsetTop > bytes[0].offsetTop)
  const row = perRow === -1 ? bytes.length : perRow
  const to = {
    ArrowRight: here + 1,
    ArrowLeft: here - 1,
    ArrowDown: here + row,
    ArrowUp: here - row,
    Home: 0,
    End: bytes.length - 1,
  }[event.key]
  if (to === undefined || bytes[to] === undefined) return
  event.preventDefault()
  event.target.tabIndex = -1
  bytes[to].tabIndex = 0
  bytes[to].focus()
}

for (const details of document.querySelectorAll('.field details')) {
  details.addEventListener('toggle', () => {
    if (details.open && details.querySelector('.byte') === null) fill(details)
  })
}

// ---- flips

/** The verdict on a byte; where it was not tried, on the nearest that was. */
function find(runs, at) {
  let nearest
  for (const [from, to, place] of runs) {
    const tried = Math.min(Math.max(at, from), to - 1)
    if (nearest === undefined || Math.abs(tried - at) < Math.abs(nearest.at - at))
      nearest = { at: tried, verdict: data.verdicts[place] }
  }
  return nearest
}

function fieldOf(index, at, where) {
  const all = document.querySelectorAll(`[data-frame="${index}"] .field details`)
  const holds = ({ dataset }) => at >= Number(dataset.at) && at < Number(dataset.at) + Number(dataset.length)
  const fits = [...all].filter(holds)
  return fits.find(({ dataset }) => dataset.where === where) ?? fits[0]
}

function clear() {
  verdict.replaceChildren()
  for (const item of document.querySelectorAll('.frame')) {
    item.classList.remove('caught', 'unnoticed', 'never')
    item.querySelector('.stop').textContent = ''
  }
  for (const byte of document.querySelectorAll('.byte.flipped')) byte.classList.remove('flipped')
}

/** Tells what became of a flip, and shows it on the ladder. */
function show(index, wanted, who) {
  const frame = frames[index]
  const sealed = frame.plain !== undefined && wanted >= frame.sealedAt && wanted < frame.sealedAt + frame.plain.length
  const where = who === 'inside' && sealed ? 'inside' : 'outside'
  const { at, verdict: found } = find(frame[where], wanted)
  const { check, why, code, message } = found
  clear()
  trial.elements.frame.value = String(index)
  trial.elements.at.value = String(at)
  mark(index, at, check)

  const opened = sealed && view() !== 'eavesdropper'
  const field = fieldOf(index, at, opened ? 'inside' : 'outside').querySelector('.name').textContent
  const byte = shown(frame, at, where)
  const change = `${toHex(byte)} becomes ${toHex(byte ^ data.flipped)}`
  const layer = where === 'inside' ? ' inside the seal' : opened ? ' on the wire' : ''
  const notes = [
    ...(at === wanted ? [] : [`Byte ${wanted} was not tried; this is the nearest that was.`]),
    ...(who === 'inside' && !sealed ? ['This byte is not sealed: it was flipped on the way.'] : []),
  ]
  const receiver = frame.from === 'client' ? 'server' : 'client'
  const undo = element('button', { text: 'Undo', type: 'button', className: 'undo' })
  undo.addEventListener('click', clear)
  const told = [
    paragraph('where', `Frame ${index + 1}, ${nameOf(frame)}, byte ${at}, in ${field}: ${change}${layer}. `, ...notes),
    check === undefined
      ? paragraph('result', element('strong', { text: 'Nothing catches it.' }), ` ${why}`)
      : paragraph('result', `The ${receiver} catches it: `, element('strong', { className: 'check', text: check }), `. ${why}`),
  ]
  if (code !== undefined) {
    told.push(paragraph('error', element('code', { text: `${code}  ${message}` }), ` ${answer(found, index)}`))
  }
  verdict.append(element('div', { className: check === undefined ? 'card unnoticed' : 'card' }, ...told, undo))
}

function paragraph(className, ...children) {
  return element('p', { className }, ...children)
}

function answer({ answered, code }, index) {
  if (!answered) return code === 'HELLO_REJECTED' ? 'Nothing is sent in answer.' : 'The connection ends without a word.'
  return index < 4 ? 'A sealed refusal is sent, the same for each reason.' : 'The session ends with a CLOSE that says why.'
}

/** Shows on the ladder how far the session comes. */
function mark(index, at, check) {
  const items = [...document.querySelectorAll('.frame')]
  items[index].classList.add(check === undefined ? 'unnoticed' : 'caught')
  items[index].querySelector('.stop').textContent = check === undefined ? 'changed, and not noticed' : `stopped by ${check}`
  for (const later of check === undefined ? [] : items.slice(index + 1)) {
    later.classList.add('never')
    later.querySelector('.stop').textContent = 'comes to nothing'
  }
  for (const byte of items[index].querySelectorAll(`.byte[data-at="${at}"]`)) byte.classList.add('flipped')
}

trial.addEventListener('submit', (event) => {
  event.preventDefault()
  const { frame, at, who } = trial.elements
  const index = Number(frame.value)
  const wanted = Math.min(Number(at.value), frames[index].bytes.length - 1)
  const field = fieldOf(index, wanted, view() === 'eavesdropper' ? 'outside' : 'inside')
  field.closest('.frame').querySelector('details').open = true
  field.open = true
  fill(field, wanted)
  show(index, wanted, who.value)
})

trial.elements.frame.addEventListener('change', limit)
function limit() {
  trial.elements.at.max = String(frames[Number(trial.elements.frame.value)].bytes.length - 1)
}
limit()
