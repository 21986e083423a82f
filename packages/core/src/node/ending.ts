/** How errors and CLOSE reasons answer to each other (protocol sections 2 and 7). */
import { type CountersignError, type ErrorCode, NetworkError, PeerError } from '../errors.ts'
import { type Reason, REASON } from '../wire/records.ts'

/** Which CLOSE a fault ends with; none for what was not authentic. */
export function reasonOf({ code, fault }: CountersignError): Reason | undefined {
  const silent: readonly ErrorCode[] = ['FRAME', 'NOT_AUTHENTIC', 'TRUNCATED', 'CONNECT']
  if (silent.includes(code)) return undefined
  const reasons: { readonly [C in ErrorCode]?: Reason } = {
    IDLE: REASON.idle,
    GAP: REASON.gap,
    STORAGE: REASON.cannotStore,
    PLACE_MOVED: REASON.goingAway,
    SERVER_REGRESSED: REASON.goingAway,
    OUTBOX_BEHIND: REASON.goingAway,
    SUPERSEDED: REASON.superseded,
    REVOKED: REASON.revoked,
    UNTRUSTED: REASON.goingAway,
  }
  return reasons[code] ?? (fault === 'peer' ? REASON.protocolError : REASON.internal)
}

/** What a fault's CLOSE says: what the peer, or its operator, can do something about. */
export function textOf({ code, fault, message }: CountersignError): string {
  return fault === 'peer' || code === 'OUTBOX_BEHIND' ? message : ''
}

/** What a peer's CLOSE means here; undefined where it is no fault. */
export function closeError(reason: Reason, text: string): CountersignError | undefined {
  const detail = text === '' ? undefined : text
  switch (reason) {
    case REASON.done:
    case REASON.goingAway:
      return undefined
    case REASON.idle:
      return new NetworkError('IDLE', 'says the peer')
    case REASON.superseded:
      return new PeerError('SUPERSEDED', detail)
    case REASON.cannotStore:
      return new PeerError('PEER_STORAGE', detail)
    case REASON.revoked:
      return new PeerError('REVOKED', detail)
    default:
      return new PeerError('CLOSED_BY_PEER', `reason ${reason}${detail === undefined ? '' : `, ${detail}`}`)
  }
}
