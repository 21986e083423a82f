/** HTML as a tagged template: what is put into it is escaped, unless it is HTML of this module's own making. */

export class Html {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

export function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!)
}

type Value = string | number | undefined | Html | readonly Html[]

export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  return new Html(String.raw({ raw: strings }, ...values.map(toHtml)))
}

function toHtml(value: Value): string {
  if (value === undefined) return ''
  if (typeof value === 'string' || typeof value === 'number') return escape(String(value))
  return value instanceof Html ? value.text : value.map(({ text }) => text).join('')
}

/** Data for a page's script, in a script element that is not run: nothing in it can end the element. */
export function dataElement(id: string, data: unknown): Html {
  const text = JSON.stringify(data).replaceAll('<', String.raw`\u003c`)
  return new Html(`<script type="application/json" id="${escape(id)}">${text}</script>`)
}
