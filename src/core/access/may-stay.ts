/** A stream lives no longer than the credential that opened it. */
import { AppError } from '../../protocol/errors.ts';
import type { Principal } from './principal.ts';

/**
 * Whether who opened a stream, as `before`, may go on with it. Never rejects: a database that cannot be asked ends none.
 * @param recheck who the same credential is now; throws UNAUTHENTICATED where it is nobody.
 */
export async function mayStay(before: Principal, recheck: () => Principal | Promise<Principal>): Promise<boolean> {
  try {
    const now = await recheck();
    return now === before || mayAllThat(now, before);
  } catch (error) {
    return !(error instanceof AppError && error.code === 'UNAUTHENTICATED');
  }
}

/** Whether `now` has every scope and agent that `before` had. */
function mayAllThat(now: Principal, before: Principal): boolean {
  const { agents } = now;
  if (![...before.scopes].every((scope) => now.scopes.has(scope))) return false;
  return agents === null || (before.agents !== null && [...before.agents].every((agent) => agents.has(agent)));
}
