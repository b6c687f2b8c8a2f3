/** What every request passes before anything of it is read: who is it, and may it go on at this rate. */
import { AppError } from '../../protocol/errors.ts';
import type { HeaderSink, RateLimiter } from '../limits/rate-limiter.ts';
import type { Principal } from './principal.ts';

export interface Authenticates {
  /** Throws UNAUTHENTICATED. Synchronous for a credential that was seen before. */
  authenticate(credential: string | undefined): Principal | Promise<Principal>;
  /** Whether this is a key that has opened something lately. */
  isKnown(credential: string | undefined): boolean;
}

/** One for all listeners, so that whoever changes the door brings the same counts along. */
export interface Gate {
  readonly authenticator: Authenticates;
  /** Requests of one principal to one route; null: not limited. */
  readonly requests: RateLimiter | null;
  /** Failed attempts of one address; null: not limited. */
  readonly failures: RateLimiter | null;
}

/**
 * Throws RATE_LIMITED for an address that has tried too many credentials. A key that is known is not tried: whoever has
 * it is not to be shut out by others behind the same address.
 */
export function refuseGuessing(
  { authenticator, failures }: Gate,
  address: string,
  credential: () => string | undefined,
) {
  if (failures === null || failures.exhaustedForMs(address) === 0) return;
  if (!authenticator.isKnown(credential())) failures.refuseIfExhausted(address);
}

/**
 * Counts a request of this principal to this route. Throws, or rejects with, RATE_LIMITED when it is one too many. A
 * promise only where other replicas must be asked.
 */
export function takeRequest(
  { requests }: Gate,
  principal: Principal,
  route: string,
  answer: HeaderSink,
): void | Promise<void> {
  return requests?.take(`${principal.keyId ?? principal.ownerId} ${route}`, answer);
}

/** Of an error on its way out: a credential that opened nothing counts against its address. */
export function countFailure({ failures }: Gate, address: string, error: unknown): void {
  if (error instanceof AppError && error.code === 'UNAUTHENTICATED') failures?.count(address);
}
