import { describe, expect, test } from 'vitest'
import { Refused } from '../src/refused.ts'
import { type Call, carryOut, Tables } from '../src/tables.ts'
import { folder } from './parties.ts'

class Notes extends Tables {
  readonly reads: ReadonlySet<string> = new Set(['count'])
  commits = 0
  begins = 0

  constructor(file: string) {
    super(file, { name: 'notes', application: 1, migrations: ['CREATE TABLE note (text TEXT NOT NULL UNIQUE) STRICT'] })
  }

  override begin(): void {
    this.begins += 1
    super.begin()
  }

  override commit(): void {
    this.commits += 1
    super.commit()
  }

  add(text: string): void {
    if (text === 'refused') throw new Refused()
    this.database.prepare('INSERT INTO note VALUES (?)').run(text)
    this.afterCommit(() => this.done.push(text))
  }

  count(): number {
    return (this.database.prepare('SELECT count(*) AS count FROM note').get() as { count: number }).count
  }

  readonly done: string[] = []
}

function calls(...list: readonly (readonly [name: string, ...args: unknown[]])[]): Call[] {
  return list.map(([name, ...args], i) => ({ id: i, name, args }))
}

describe('calls that wait together', () => {
  test('share one transaction, and see each other', () => {
    const notes = new Notes(folder()('notes'))
    const answers = carryOut(notes, calls(['add', 'a'], ['add', 'b'], ['count']))
    expect(answers).toEqual([
      { id: 0, value: undefined },
      { id: 1, value: undefined },
      { id: 2, value: 2 },
    ])
    expect([notes.begins, notes.commits, notes.done]).toEqual([1, 1, ['a', 'b']])
    notes.close()
  })

  test('need none where all of them read', () => {
    const notes = new Notes(folder()('notes'))
    expect(carryOut(notes, calls(['count'], ['count']))).toHaveLength(2)
    expect(notes.begins).toBe(0)
    notes.close()
  })

  test('go on where one of them is refused', () => {
    const notes = new Notes(folder()('notes'))
    const answers = carryOut(notes, calls(['add', 'a'], ['add', 'refused'], ['add', 'b']))
    expect(answers[1]).toEqual({ id: 1, refused: 'PLACE_MOVED' })
    expect(notes.count()).toBe(2)
    notes.close()
  })

  test('all fail that write where one of them does, and leave nothing; those that read are answered', () => {
    const notes = new Notes(folder()('notes'))
    const answers = carryOut(notes, calls(['add', 'a'], ['count'], ['add', 'a'], ['add', 'b'], ['count']))
    expect(answers.map((answer) => ('failed' in answer ? 'failed' : answer))).toEqual([
      'failed',
      { id: 1, value: 0 },
      'failed',
      'failed',
      { id: 4, value: 0 },
    ])
    expect([notes.count(), notes.done]).toEqual([0, []])
    expect(carryOut(notes, calls(['add', 'a']))).toEqual([{ id: 0, value: undefined }])
    expect(notes.done).toEqual(['a'])
    notes.close()
  })
})
