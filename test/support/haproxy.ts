/** A real HAProxy in front of the servers of a test, or a reason why there is none. */
import { onTestFinished } from 'vitest';
import { findBinary } from '../../scripts/replica-set/binaries.mjs';
import { type Haproxy, startHaproxy } from '../../scripts/replica-set/haproxy.mjs';
import { skippedBecause } from './missing-service.ts';
import { freePorts } from './ports.ts';

export type { Haproxy } from '../../scripts/replica-set/haproxy.mjs';

export interface HaproxyForTests {
  readonly binary: string;
}

/**
 * Where this machine has no HAProxy, `skipped` says so, here and loudly; hand it to `describe.skipIf`.
 * @throws Error instead of `skipped` when REQUIRE_SERVICES=1
 */
export function haproxyForTests(
  find: () => string | undefined = () => findBinary('haproxy'),
): HaproxyForTests | { readonly skipped: string } {
  const binary = find();
  if (binary !== undefined) return { binary };
  const why = 'no haproxy is installed (Debian: apt-get install haproxy)';
  return { skipped: skippedBecause('TESTS BEHIND A BALANCER', why) };
}

export interface BalancedServer {
  readonly ports: { readonly port: number; readonly grpcPort: number };
}

export interface BalancerOptions {
  /** Also servers that do not run yet. `states()` calls them `r1`, `r2`, ... in this order. */
  readonly servers: readonly BalancedServer[];
  readonly checkEveryMs?: number;
  /** Long enough for a server on a busy machine, where all that matters is what it answers. */
  readonly checkTimeoutMs?: number;
}

/** Stopped when the test is over. `grpcAddress` is that of gRPC, balanced too. */
export async function startBalancer(
  { binary }: HaproxyForTests,
  { servers, ...options }: BalancerOptions,
): Promise<Haproxy & { readonly grpcAddress: string }> {
  const [port, grpcPort] = await freePorts(2);
  if (port === undefined || grpcPort === undefined) throw new Error('No free ports');
  const backends = servers.map(({ ports }, index) => ({ name: `r${index + 1}`, ...ports }));
  const haproxy = await startHaproxy({ ...options, binary, port, grpcPort, backends });
  onTestFinished(() => haproxy.stop());
  return { ...haproxy, grpcAddress: `127.0.0.1:${grpcPort}` };
}
