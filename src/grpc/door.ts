/** What every call passes before its message is read: the size of its metadata, who is it, and may it go on at this rate. */
import { type Metadata, ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js';
import { countFailure, refuseGuessing, takeRequest } from '../core/access/gate.ts';
import { AppError } from '../protocol/errors.ts';
import { Exchange } from './exchange.ts';
import { HEALTH_CHECK } from './health.ts';
import type { GrpcOptions } from './options.ts';
import { PublicCalls } from './public-calls.ts';

/** What HTTP/2 counts for an entry besides its name and value (RFC 9113 section 6.5.2). */
const ENTRY_BYTES = 32;

/** @param routes path of a method -> the route that its rate limit counts; a path that is not there is open to all. */
export function door(options: GrpcOptions, routes: ReadonlyMap<string, string>): ServerInterceptor {
  const publicCalls = new PublicCalls(options);
  return ({ path }, base) => {
    const exchange = new Exchange(path, base, options);
    let stopTimer = (): void => {};
    exchange.onClosed(() => stopTimer());
    return new ServerInterceptingCall(base, {
      start: (next) =>
        next({
          onReceiveMetadata(metadata, pass) {
            exchange.receive(metadata);
            const route = routes.get(path);
            const goOn = (): void => {
              stopTimer = timeToSend(options, exchange);
              pass(metadata);
            };
            try {
              checkSize(options, metadata);
              if (route === undefined) publicCalls.enter(exchange, path !== HEALTH_CHECK);
              const entering = route === undefined ? undefined : enter(options, exchange, route);
              if (entering === undefined) goOn();
              else entering.then(goOn, (error: unknown) => refuse(options, exchange, error));
            } catch (error) {
              refuse(options, exchange, error);
            }
          },
          onReceiveHalfClose(pass) {
            stopTimer();
            pass();
          },
          onCancel: () => exchange.closed(),
        }),
    });
  };
}

/** Authentication, then the rate. A promise only where a credential must be looked up, or other replicas be asked. */
function enter({ gate }: GrpcOptions, exchange: Exchange, route: string): void | Promise<void> {
  const { credential } = exchange;
  refuseGuessing(gate, exchange.address, () => credential);
  const admit = (principal: typeof exchange.principal): void | Promise<void> => {
    exchange.principal = principal;
    return takeRequest(gate, principal, route, exchange);
  };
  const principal = gate.authenticator.authenticate(credential);
  return principal instanceof Promise ? principal.then(admit) : admit(principal);
}

function refuse({ gate }: GrpcOptions, exchange: Exchange, error: unknown): void {
  countFailure(gate, exchange.address, error);
  exchange.fail(error);
}

function checkSize({ limits, metrics }: GrpcOptions, metadata: Metadata): void {
  let bytes = 0;
  for (const name of Object.keys(metadata.getMap())) {
    for (const value of metadata.get(name)) bytes += name.length + Buffer.byteLength(value) + ENTRY_BYTES;
  }
  if (bytes <= limits.headerLimitBytes) return;
  metrics.limitReached('server.headerLimitBytes');
  throw new AppError('HEADERS_TOO_LARGE', 'The metadata is larger than server.headerLimitBytes allows');
}

/** The request must be here in good time; the returned function stops the clock. */
function timeToSend({ limits, clock }: GrpcOptions, exchange: Exchange): () => void {
  return clock.after(limits.requestTimeoutMs, () =>
    exchange.fail(new AppError('REQUEST_TIMEOUT', 'The request was not complete within server.requestTimeoutMs')),
  );
}
