/** The bus between replicas that a configuration asks for; the code of the others is not loaded. */
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import type { ReplicaBus } from '../core/replicas/bus.ts';

export interface OpenBusOptions {
  readonly settings: {
    readonly natsUrl?: string | undefined;
    readonly natsSubject: string;
    readonly natsCredentialsFile?: string | undefined;
    readonly natsTls: {
      readonly caFile?: string | undefined;
      readonly certFile?: string | undefined;
      readonly keyFile?: string | undefined;
    };
  };
  /** How the storage connects to PostgreSQL; null: it is of another kind, which has one server and needs no bus. */
  readonly postgresUrl: string | null;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
}

/** NATS where it is configured, else the database. It is not connected yet. */
export async function openBus({ settings, postgresUrl, ...rest }: OpenBusOptions): Promise<ReplicaBus | null> {
  const { natsUrl, natsSubject, natsCredentialsFile, natsTls } = settings;
  if (postgresUrl === null) {
    if (natsUrl !== undefined) rest.logger.info('NATS_URL is not used: with SQLite there is one server');
    return null;
  }
  if (natsUrl === undefined) return (await import('./postgres.ts')).postgresBus({ ...rest, url: postgresUrl });
  const { natsBus } = await import('./nats.ts');
  return natsBus({
    ...rest,
    url: natsUrl,
    subject: natsSubject,
    credentialsFile: natsCredentialsFile,
    tls: natsTls,
  });
}
