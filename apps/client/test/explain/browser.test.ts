/** The page of `explain` in a browser, as a person uses it: by mouse, by keyboard, on a phone. */
import axe from 'axe-core'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { explainSession } from '../../src/explain/explain.ts'

const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome'].map((name) => `/usr/bin/${name}`)
const executablePath = BROWSERS.find((path) => existsSync(path))
const skipped =
  executablePath === undefined
    ? 'Chromium is missing'
    : parseInt(process.version.slice(1)) < 26
      ? 'it is the same on every Node'
      : undefined
if (skipped !== undefined) console.log(`the page of explain in a browser: skipped, because ${skipped}`)

const HOSTILE = '</script><img src=x onerror="document.title=1">'

describe.skipIf(skipped !== undefined)('the page of explain', () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-'))
  const file = join(folder, 'session.html')
  let browser: Browser

  beforeAll(async () => {
    const { page } = await explainSession({ client: 'ed25519', server: 'ed25519', text: HOSTILE, step: 97 })
    writeFileSync(file, page)
    // Whatever opens it here is the one page of these tests: it needs no sandbox, which root could not have.
    browser = await chromium.launch({ executablePath: executablePath!, chromiumSandbox: false })
  })
  afterAll(async () => {
    await browser.close()
    rmSync(folder, { recursive: true })
  })

  /** The page, from its file, with no network; whatever it complains of or asks for fails the test. */
  async function opened(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({ offline: true, reducedMotion: 'reduce', ...options })
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    page.on('request', (request) => complaints.push(request.url()))
    const { href } = pathToFileURL(file)
    await page.goto(href)
    onTestFinished(async () => {
      await context.close()
      expect(complaints).toEqual([href])
    })
    return page
  }

  async function openField(page: Page, frame: number, field: string): Promise<void> {
    const item = page.locator(`.frame[data-frame="${frame}"]`)
    await item.locator('> details').evaluate((details) => details.setAttribute('open', ''))
    await item
      .locator('.field', { has: page.locator(`.name:text-is("${field}")`) })
      .locator('summary')
      .click()
  }

  const verdict = (page: Page): Promise<string> => page.locator('#verdict').innerText()

  test('shows each side what it can see: to an eavesdropper records are alike, and nothing secret is there', async () => {
    const page = await opened()
    const text = (): Promise<string> => page.locator('body').innerText()
    expect(await text()).toMatch(/RECEIPT[\s\S]*Master secret/)
    await page.getByText('an eavesdropper').click()
    const seen = await text()
    expect(seen.match(/\bRECORD\b/g)!.length).toBeGreaterThanOrEqual(6)
    expect(seen).not.toMatch(/RECEIPT|PING|Master secret|sha256\/\//)
    await page.getByText('the server', { exact: true }).click()
    await page.locator('.frame[data-frame="0"] > details > summary').click()
    expect(await text()).toMatch(/S1: checks magic/)
    expect(await page.title()).toBe('One session of Countersign, byte by byte')
  })

  test('a flipped byte shows the check that catches it, and that nothing follows; by mouse', async () => {
    const page = await opened()
    await openField(page, 0, 'gate')
    await page.locator('.byte[data-at="1260"]').click()
    expect(await verdict(page)).toMatch(
      /Frame 1, HELLO, byte 1260, in gate: (..) becomes ..\.[\s\S]*The server catches it: the gate\./,
    )
    expect(await verdict(page)).toContain('Nothing is sent in answer.')
    expect(await page.locator('.frame.never').count()).toBe((await page.locator('.frame').count()) - 1)
    await page.getByText('Undo').click()
    expect(await verdict(page)).toBe('')
    expect(await page.locator('.frame.never').count()).toBe(0)
  })

  test('by keyboard, and by somebody who holds the key, which opens nothing that is signed', async () => {
    const page = await opened()
    const message = await page.locator('.frame', { hasText: 'MESSAGE-END' }).getAttribute('data-frame')
    await page.getByText('who holds this frame’s key').click()
    await openField(page, Number(message), 'item: body')
    const first = page.locator(`.frame[data-frame="${message}"] .byte`).first()
    await first.focus()
    await page.keyboard.press('End')
    await page.keyboard.press('Enter')
    expect(await verdict(page)).toMatch(/inside the seal[\s\S]*The server catches it: the leaf\./)
    await page.getByLabel('Byte', { exact: true }).fill('0')
    await page.keyboard.press('Enter')
    expect(await verdict(page)).toMatch(/in type[\s\S]*This byte is not sealed[\s\S]*the header/)
  })

  test('has nothing that keeps a person from using it, as far as axe can tell, in light and in dark', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await opened({ colorScheme, bypassCSP: true })
      await page.locator('.frame > details').evaluateAll((all) => all.forEach((details) => details.setAttribute('open', '')))
      await openField(page, 0, 'gate')
      await page.locator('.byte').nth(3).click()
      await page.evaluate(axe.source)
      const { violations } = await page.evaluate<axe.AxeResults>('axe.run()')
      expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([])
    }
  })

  test('fits a phone, with all of it open, in light and in dark', async () => {
    const grounds: string[] = []
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await opened({ viewport: { width: 360, height: 740 }, colorScheme })
      await page.locator('details').evaluateAll((all) => all.forEach((details) => details.setAttribute('open', '')))
      await page.locator('.byte').nth(40).click()
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
      grounds.push(String(await page.evaluate('getComputedStyle(document.documentElement).backgroundColor')))
    }
    expect(new Set(grounds).size).toBe(2)
  })
})
