/** Waiting for news, or until it is time to look for that of other processes. */
export async function waitFor(news: Promise<void>, ms: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const over = (): void => resolve()
  const timer = setTimeout(over, ms)
  signal?.addEventListener('abort', over, { once: true })
  if (signal?.aborted) over()
  await Promise.race([news, promise])
  clearTimeout(timer)
  signal?.removeEventListener('abort', over)
}
