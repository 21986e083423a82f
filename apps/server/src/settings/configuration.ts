/** The settings in force: read at the start, and again where a running server is asked to. */
import { isDeepStrictEqual } from 'node:util'
import { readRules, type RulesOf } from '../policy.ts'
import { readSettings, type Sources } from './read.ts'
import { SETTING_NAMES, SETTINGS, type SettingName, type Settings } from './table.ts'

export class Configuration {
  readonly #sources: () => Sources
  #settings: Settings
  #rulesOf: RulesOf

  /**
   * @param sources reads anew what is said; @throws CliError
   */
  constructor(sources: () => Sources) {
    this.#sources = sources
    this.#settings = readSettings(sources())
    this.#rulesOf = readRules(this.#settings.policy)
  }

  get settings(): Settings {
    return this.#settings
  }

  /** The rules of the policy for each peer. */
  get rulesOf(): RulesOf {
    return this.#rulesOf
  }

  /**
   * Puts into force what can be changed in a running server; all or, where anything is wrong, nothing.
   *
   * @returns the settings that changed, and those that will after a restart; @throws CliError
   */
  reload(): { readonly changed: readonly SettingName[]; readonly waiting: readonly SettingName[] } {
    const read = readSettings(this.#sources())
    const rulesOf = readRules(read.policy)
    const other = SETTING_NAMES.filter((name) => !isDeepStrictEqual(read[name], this.#settings[name]))
    const changed = other.filter((name) => SETTINGS[name].reloads)
    this.#settings = { ...this.#settings, ...Object.fromEntries(changed.map((name) => [name, read[name]])) }
    this.#rulesOf = rulesOf
    return { changed, waiting: other.filter((name) => !changed.includes(name)) }
  }
}
