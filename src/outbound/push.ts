/** Push notifications put together: the operations, and the sender over the guarded client. */
import type { Clock } from '../core/clock.ts';
import type { Ids } from '../core/ids.ts';
import type { Logger } from '../core/logger.ts';
import type { PushLimits, RetryPolicy, SenderLimits } from '../core/push/limits.ts';
import type { PushMetrics } from '../core/push/metrics.ts';
import { PushConfigs } from '../core/push/push-configs.ts';
import { PushDeliveries } from '../core/push/push-deliveries.ts';
import type { PushStore } from '../core/push/push-store.ts';
import { PushSender } from '../core/push/sender.ts';
import type { Sealer } from '../core/secrets/sealer.ts';
import type { Signer } from '../core/signing/signer.ts';
import type { GuardOptions } from './guarded-client.ts';
import { GuardedPushTransport } from './push-transport.ts';

export interface PushOptions {
  readonly settings: PushLimits &
    SenderLimits &
    GuardOptions & { readonly enabled: boolean; readonly retry: RetryPolicy };
  readonly store: PushStore;
  readonly sealer: Sealer;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly metrics: PushMetrics;
}

export interface Push {
  readonly configs: PushConfigs;
  readonly deliveries: PushDeliveries;
  readonly sender: PushSender;
  /** Does nothing where push notifications are switched off: what waits stays where it is. */
  start(): void;
  stop(drainMs: number): Promise<void>;
}

/** Receivers that answer at all have done so by then. */
const MAX_DRAIN_MS = 3000;

export function createPush(options: PushOptions): Push {
  const { settings, store, sealer, signer, clock, ids, logger, metrics } = options;
  const transport = new GuardedPushTransport(settings);
  const sender = new PushSender({
    store,
    transport,
    sealer,
    signer,
    clock,
    logger,
    metrics,
    limits: settings,
    retry: settings.retry,
    random: Math.random,
  });
  return {
    configs: new PushConfigs({
      isEnabled: settings.enabled,
      store,
      sealer,
      receivers: transport,
      clock,
      ids,
      limits: settings,
      metrics,
      logger,
    }),
    deliveries: new PushDeliveries({ store, logger, onRedelivery: () => sender.wake() }),
    sender,
    start() {
      if (settings.enabled) sender.start();
    },
    async stop(drainMs) {
      // What is not acknowledged by then is sent again by the next start, or by another server.
      await sender.stop(Math.min(drainMs, MAX_DRAIN_MS));
      await transport.close();
    },
  };
}
