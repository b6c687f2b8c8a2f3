/** What the gRPC binding needs of the rest of the server. */
import type { Gate } from '../core/access/gate.ts';
import type { AgentRegistry } from '../core/agents/registry.ts';
import type { Captures } from '../core/captures/captures.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { Operations } from '../core/operations/dispatch.ts';
import type { OpenStreams } from '../core/streams/open-streams.ts';

export interface GrpcMetrics {
  /** @param seconds from the metadata of the request to the end of the answer. */
  requestDone(method: string, code: string, seconds: number): void;
  limitReached(limit: string): void;
}

export interface GrpcLimits {
  readonly maxConnections: number;
  /** Calls at once on one connection. */
  readonly maxConcurrentStreams: number;
  /** Of watches of health and of reflection, which need no authentication, on all connections. */
  readonly maxPublicCalls: number;
  /** A connection without a call for so long is closed. */
  readonly idleTimeoutMs: number;
  /** Between two pings that show whether a silent client is still there. */
  readonly keepaliveMs: number;
  /** A connection whose ping is not answered within this time is closed. */
  readonly keepaliveTimeoutMs: number;
  /** Those of the HTTP listener. */
  readonly bodyLimitBytes: number;
  readonly headerLimitBytes: number;
  readonly requestTimeoutMs: number;
  readonly maxJsonValues: number;
}

export interface GrpcOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: { readonly cert: Buffer; readonly key: Buffer } | null;
  /** Take the client's address from the last entry of `x-forwarded-for`. */
  readonly trustProxy: boolean;
  readonly limits: GrpcLimits;
  /** Whether these services are offered; both need no authentication. */
  readonly health: boolean;
  readonly reflection: boolean;
  /** Names of what is down; empty when all is well. */
  readonly readiness: { check(): Promise<readonly string[]> };
  readonly operations: Operations;
  readonly agents: AgentRegistry;
  readonly streams: OpenStreams;
  readonly captures: Captures;
  readonly gate: Gate;
  readonly newRequestId: () => string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: GrpcMetrics;
}
