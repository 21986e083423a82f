/** The page: one file that needs no network, runs no script but its own, and holds the session and all that was tried on it. */
import { hex } from '@countersign/core/protocol'
import { printable } from '@countersign/keyexchange/cli'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { FLIPPED, type Flips, PADDING_STEP } from './flips.ts'
import { dataElement, Html, html } from './html.ts'
import type { Field, Layout } from './layout.ts'
import { LESSONS, SECRETS } from './lessons.ts'
import type { Party, RecordedFrame, Recording } from './recording.ts'

const STYLE = new URL('./page/page.css', import.meta.url)
const SCRIPT = new URL('./page/page.js', import.meta.url)

/** What a policy lets in by its hash: exactly this text. */
function allowed(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}

/** The whole document. */
export function pageOf(recording: Recording, layouts: readonly Layout[], flips: Flips): string {
  const [style, script] = [STYLE, SCRIPT].map((file) => readFileSync(file, 'utf8')) as [string, string]
  const policy = `default-src 'none'; style-src ${allowed(style)}; script-src ${allowed(script)}; base-uri 'none'; form-action 'none'`
  const { frames } = recording
  const data = {
    flipped: FLIPPED,
    verdicts: flips.verdicts,
    frames: frames.map(({ from, name, bytes, seal }, i) => ({
      from,
      record: name === 'RECORD',
      name: layouts[i]!.name,
      bytes: hex(bytes),
      ...(seal && { sealedAt: seal.at, plain: hex(seal.plain) }),
      outside: flips.outside[i],
      inside: flips.inside[i],
    })),
  }
  return html`<!doctype html>
    <html lang="en" data-view="client">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>One session of Countersign, byte by byte</title>
        ${new Html(`<style>${style}</style>`)}
      </head>
      <body>
        <a class="skip" href="#session">To the session</a>
        <header>
          <h1>One session, byte by byte</h1>
          <p class="lead">
            A client sends a message to a server, and gets a signed receipt. This is a real session of Countersign, recorded in
            one process between two keys that were made for it and thrown away. Whatever is secret here protects nothing else.
          </p>
          <dl class="parties">
            ${[party('client', recording.client), party('server', recording.server)]}
            <div>
              <dt>Session</dt>
              <dd><code>${recording.sessionId}</code></dd>
            </div>
          </dl>
        </header>
        <form class="views" aria-label="Whose view this page shows">
          <fieldset>
            <legend>See it as</legend>
            ${VIEWS.map(([view, label]) => html`<label><input type="radio" name="view" value="${view}" ${view === 'client' ? new Html(' checked') : ''} /><span>${label}</span></label>`)}
          </fieldset>
        </form>
        <main>
          <section id="session" aria-labelledby="session-title">
            <h2 id="session-title">The session</h2>
            <p>
              Time runs down the page. Open a frame to see its fields, and a field to see its bytes. Choose any byte to flip it.
            </p>
            <div class="lifelines" aria-hidden="true"><span>client</span><span>server</span></div>
            <ol class="ladder">
              ${frames.map((frame, i) => frameItem(frame, layouts[i]!, i))}
            </ol>
          </section>
          <section class="secrets" aria-labelledby="secrets-title">
            <h2 id="secrets-title">The secrets</h2>
            <p class="only-eavesdropper">He has none of them, and nothing he sees leads to one.</p>
            <p class="only-peer">
              Both sides derive the same, in this order, and wipe each as soon as it has served. None is ever sent, but for the
              session key, encrypted.
            </p>
            <ol class="only-peer">
              ${SECRETS.map(
                ({ name, title, from, use }) =>
                  html`<li>
                    <h3>${title} <code>${name}</code></h3>
                    <p>${from}. <span>${use}</span></p>
                    <code class="value">${hex(recording.values.get(name)!)}</code>
                  </li> `,
              )}
            </ol>
          </section>
          <section class="trial" aria-labelledby="trial-title">
            <h2 id="trial-title">Flip a byte</h2>
            <p>
              Here the lowest bit of every byte of every frame was flipped, one after the other, ${flips.count} times, and the
              receiving side was run again with it: the same program, the same keys, the same chance. What is shown is what it
              did. Of the padding inside a seal one byte in ${PADDING_STEP} was tried.
            </p>
            <form id="trial">
              <label
                >Frame
                <select name="frame">
                  ${layouts.map(({ name }, i) => html`<option value="${i}">${i + 1} ${name}</option>`)}
                </select></label
              >
              <label>Byte <input name="at" type="number" min="0" value="0" inputmode="numeric" required /></label>
              <fieldset>
                <legend>by somebody</legend>
                <label><input type="radio" name="who" value="outside" checked /> on the way</label>
                <label><input type="radio" name="who" value="inside" /> who holds this frame’s key, and seals it again</label>
              </fieldset>
              <button>Flip it</button>
            </form>
          </section>
        </main>
        <div id="verdict" role="status" aria-live="polite" tabindex="-1"></div>
        <footer>
          <p>
            Made by <code>countersign-client explain</code>. The numbers C1 to S7 are those of the protocol’s text,
            docs/PROTOCOL.md.
          </p>
        </footer>
        ${dataElement('data', data)} ${new Html(`<script>${script}</script>`)}
      </body>
    </html> `.text
}

const VIEWS = [
  ['eavesdropper', 'an eavesdropper'],
  ['client', 'the client'],
  ['server', 'the server'],
] as const

function party(role: string, { identity }: Party): Html {
  const { algorithm, fingerprint, signatureLength } = identity.publicKey
  const type = { ed25519: 'Ed25519', rsa: `RSA of ${signatureLength * 8} bits`, 'ml-dsa-65': 'ML-DSA-65' }[algorithm]
  return html`<div class="only-peer">
    <dt>The ${role}’s key, ${type}</dt>
    <dd><code>${fingerprint}</code></dd>
  </div> `
}

function frameItem({ from, name, bytes, seal }: RecordedFrame, layout: Layout, i: number): Html {
  const lesson = LESSONS[layout.name as keyof typeof LESSONS]!
  const sealed = seal && html`Sealed with the key of <code>${seal.secret}</code>, sequence number ${seal.seq}.`
  return html`<li class="frame from-${from}" data-frame="${i}">
    <details>
      <summary>
        <span class="arrow" aria-hidden="true"></span>
        <span class="what"
          ><span class="number">${i + 1}</span> <b class="only-peer">${layout.name}</b><b class="only-eavesdropper">${name}</b>
          <span class="way">${from === 'client' ? 'client to server' : 'server to client'}, ${bytes.length} bytes</span></span
        >
        <span class="title only-peer">${lesson.title}</span>
        <span class="stop"></span>
      </summary>
      <p class="only-eavesdropper">${lesson.eavesdropper}</p>
      <p class="as-client"><b>The client</b> ${lesson.client}</p>
      <p class="as-server"><b>The server</b> ${lesson.server}</p>
      <p class="key only-peer">${sealed ?? 'Not sealed: there is no key yet.'}</p>
      <ul class="fields" aria-label="Fields of this frame">
        ${layout.outside.map((field) => (field.name === 'sealed' ? sealedField(field, layout.inside) : fieldItem(field)))}
      </ul>
    </details>
  </li> `
}

/** What an eavesdropper sees as one field, the peers see into. */
function sealedField(field: Field, inside: readonly Field[]): Html {
  return html`<li class="seal">
    <p class="seal-name only-peer">Sealed, ${field.length} bytes. ${field.why}</p>
    <ul class="fields only-peer" aria-label="What the seal holds">
      ${inside.map((inner) => fieldItem(inner, 'inside'))}
    </ul>
    <ul class="fields only-eavesdropper">
      ${fieldItem(field)}
    </ul>
  </li> `
}

function fieldItem({ name, at, length, why, value }: Field, where: 'outside' | 'inside' = 'outside'): Html {
  return html`<li class="field">
    <details data-at="${at}" data-length="${length}" data-where="${where}">
      <summary>
        <span class="name">${name}</span>
        <span class="span">${span(at, length)}</span>
        ${value === undefined ? '' : html`<span class="says">${printable(value)}</span>`}
      </summary>
      <p>${why}</p>
      <div class="bytes" role="group" aria-label="Bytes of ${name}"></div>
    </details>
  </li> `
}

function span(at: number, length: number): string {
  return length === 1 ? `byte ${at}` : `bytes ${at} to ${at + length - 1}`
}
