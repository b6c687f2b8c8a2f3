/** `parley push list|show|redeliver|delete`: the outbox of push notifications from the command line. */
import type { Command } from 'commander';
import type { Delivery, DeliveryList, Redelivered } from '../http/admin/delivery-contract.ts';
import { AppError } from '../protocol/errors.ts';
import { type AdminCommandOptions, type AdminFlags, adminCommands, toJson } from './admin-command.ts';
import type { AdminRoutes } from './admin-routes.ts';
import { registerPushVerify } from './push-verify.ts';
import { renderFields, renderTable } from './table.ts';

interface FilterFlags extends AdminFlags {
  readonly agent?: string;
  readonly task?: string;
  readonly owner?: string;
}
interface ListFlags extends FilterFlags {
  readonly state?: string;
  readonly limit: string;
}
interface RedeliverFlags extends FilterFlags {
  readonly all?: boolean;
}

const PATH = '/api/v1/push/deliveries';
const PAGE_SIZE = 200;

/** Needs `parseAsync`. Exit code 1, with the reason, when it was not done. */
export function registerPushCommands(program: Command, options: AdminCommandOptions = {}): void {
  const { add, run, group } = adminCommands(
    program,
    'push',
    'push notifications: what waits, dead letters, signatures',
    options,
  );
  const filtered = (command: Command) =>
    command
      .option('--agent <id>', 'of this agent only')
      .option('--task <id>', 'of this task only')
      .option('--owner <id>', 'of this owner only');

  filtered(add('list', 'list deliveries that wait or are dead letters, those of the newest receivers first'))
    .option('--state <state>', 'pending or dead (default: both)')
    .option('--limit <count>', 'at most so many', '1000')
    .action((flags: ListFlags, command: Command) =>
      run(command, flags, async (routes) => {
        const deliveries = await listAll(routes, flags);
        return flags.json === true ? toJson(deliveries) : renderDeliveries(deliveries);
      }),
    );

  add('show <id>', 'show a delivery with its failed attempts').action(
    (id: string, flags: AdminFlags, command: Command) =>
      run(command, flags, async (routes) => {
        const delivery = (await routes.send('GET', pathOf(id))) as Delivery;
        return flags.json === true ? toJson(delivery) : renderDelivery(delivery);
      }),
  );

  filtered(add('redeliver [id]', 'send a dead letter again, with a new budget of attempts'))
    .option('--all', 'all dead letters, of the agent, task or owner where one is named')
    .action((id: string | undefined, flags: RedeliverFlags, command: Command) =>
      run(command, flags, async (routes) => {
        if ((id === undefined) === (flags.all !== true)) {
          throw new AppError('INVALID_PARAMS', 'name a delivery, or all of them with --all');
        }
        if (id !== undefined) {
          const delivery = (await routes.send('POST', `${pathOf(id)}/redeliver`)) as Delivery;
          return flags.json === true ? toJson(delivery) : `The delivery ${delivery.id} waits again.\n`;
        }
        const redelivered = await redeliverAll(routes, flags);
        return flags.json === true ? toJson({ redelivered }) : `${redelivered} dead letters wait again.\n`;
      }),
    );

  add('delete <id>', 'forget a dead letter').action((id: string, flags: AdminFlags, command: Command) =>
    run(command, flags, async (routes) => {
      await routes.send('DELETE', pathOf(id));
      return flags.json === true ? toJson({ id, deleted: true }) : `Deleted the dead letter ${id}.\n`;
    }),
  );

  registerPushVerify(group, options);
}

const pathOf = (id: string) => `${PATH}/${encodeURIComponent(id)}`;

async function listAll(routes: AdminRoutes, flags: ListFlags): Promise<Delivery[]> {
  const limit = /^[1-9]\d{0,6}$/.test(flags.limit) ? Number(flags.limit) : undefined;
  if (limit === undefined) throw new AppError('INVALID_PARAMS', `--limit must be a number, not ${flags.limit}`);
  const deliveries: Delivery[] = [];
  let pageToken = '';
  do {
    const query = new URLSearchParams({ pageSize: String(Math.min(PAGE_SIZE, limit - deliveries.length)), pageToken });
    if (flags.state !== undefined) query.set('state', flags.state);
    for (const [name, value] of Object.entries(filterOf(flags))) query.set(name, value);
    const page = (await routes.send('GET', `${PATH}?${query.toString()}`)) as DeliveryList;
    deliveries.push(...page.deliveries);
    pageToken = page.nextPageToken;
  } while (pageToken !== '' && deliveries.length < limit);
  return deliveries;
}

/** One call revives what lies at a bounded number of receivers. */
async function redeliverAll(routes: AdminRoutes, flags: FilterFlags): Promise<number> {
  let total = 0;
  for (;;) {
    const { redelivered } = (await routes.send('POST', `${PATH}/redeliver`, filterOf(flags))) as Redelivered;
    if (redelivered === 0) return total;
    total += redelivered;
  }
}

function filterOf({ agent, task, owner }: FilterFlags): Record<string, string> {
  return {
    ...(agent === undefined ? {} : { agentId: agent }),
    ...(task === undefined ? {} : { taskId: task }),
    ...(owner === undefined ? {} : { ownerId: owner }),
  };
}

function renderDeliveries(deliveries: readonly Delivery[]): string {
  if (deliveries.length === 0) return 'There are no such deliveries: what was delivered is forgotten.\n';
  const rows = deliveries.map((delivery) => [
    delivery.id,
    delivery.state,
    delivery.host,
    delivery.taskId,
    String(delivery.seq),
    String(delivery.attempts),
    delivery.history.at(-1)?.error ?? '',
    delivery.nextAttemptAt ?? '',
    delivery.reason ?? '',
  ]);
  return renderTable(['ID', 'STATE', 'HOST', 'TASK', 'EVENT', 'ATTEMPTS', 'LAST ERROR', 'NEXT', 'REASON'], rows);
}

function renderDelivery(delivery: Delivery): string {
  const fields = renderFields([
    ['id', delivery.id],
    ['event id', delivery.eventId],
    ['state', delivery.state],
    ['reason', delivery.reason ?? ''],
    ['owner', delivery.ownerId],
    ['agent', delivery.agentId],
    ['task', delivery.taskId],
    ['configuration', delivery.configId],
    ['host', delivery.host],
    ['made', delivery.createdAt],
    ['attempts', String(delivery.attempts)],
    ['next attempt', delivery.nextAttemptAt ?? ''],
    ['dead since', delivery.diedAt ?? ''],
  ]);
  if (delivery.history.length === 0) return fields;
  const rows = delivery.history.map(({ at, durationMs, status, error }) => [
    at,
    `${durationMs} ms`,
    status === null ? '' : String(status),
    error,
  ]);
  return `${fields}\n${renderTable(['FAILED AT', 'TOOK', 'STATUS', 'ERROR'], rows)}`;
}
