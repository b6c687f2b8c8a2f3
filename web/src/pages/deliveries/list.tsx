/** Push deliveries with their attempts; a dead letter can be sent again or thrown away. */
import { useInfiniteQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Clock, MailX } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import {
  type Delivery,
  type DeliveryConditions,
  deliveriesKey,
  deliveriesQuery,
  discardDelivery,
  redeliver,
} from '../../api/deliveries.ts';
import { useMayWrite } from '../../api/session.ts';
import { Button } from '../../components/button.tsx';
import { CopyButton } from '../../components/copy.tsx';
import { Confirm } from '../../components/dialog.tsx';
import { More } from '../../components/more.tsx';
import { Failure, Loading } from '../../components/notices.tsx';
import { Age, Exact } from '../../components/time.tsx';
import { toast } from '../../components/toasts.tsx';
import { useAction } from '../../components/use-action.ts';
import { formatDuration, plural, shortId } from '../../lib/format.ts';

interface Props {
  readonly conditions: DeliveryConditions;
  /** Shown where there are none. */
  readonly none: ReactNode;
}

export function DeliveryList({ conditions, none }: Props) {
  const client = useQueryClient();
  const mayWrite = useMayWrite();
  const list = useInfiniteQuery(deliveriesQuery(conditions));
  const [asked, setAsked] = useState<Delivery | null>(null);
  const reload = () => client.invalidateQueries({ queryKey: deliveriesKey });
  const again = useAction({
    run: (delivery: Delivery) => redeliver(delivery.id),
    what: 'Redelivering',
    onDone: () => toast({ title: 'It waits for its next attempt' }),
    onSettled: reload,
  });
  const discard = useAction({
    run: (delivery: Delivery) => discardDelivery(delivery.id),
    what: 'Throwing away',
    onDone: () => toast({ title: 'The delivery is thrown away' }),
    onSettled: (delivery) => {
      setAsked((now) => (now === delivery ? null : now));
      return reload();
    },
  });
  if (list.data === undefined) {
    return list.error === null ? (
      <Loading />
    ) : (
      <Failure what="Reading the deliveries" error={list.error} onRetry={() => void list.refetch()} />
    );
  }
  const deliveries = list.data.pages.flatMap((page) => page.deliveries);
  if (deliveries.length === 0) return none;
  return (
    <>
      <ul className="border-t border-line">
        {deliveries.map((delivery) => (
          <li key={delivery.id} className="border-b border-line py-2">
            <Head delivery={delivery}>
              {delivery.state === 'dead' && mayWrite && (
                <>
                  <Button onClick={() => again.act(delivery)} disabled={again.isPending}>
                    Redeliver
                  </Button>
                  <Button look="quiet" onClick={() => setAsked(delivery)}>
                    Throw away
                  </Button>
                </>
              )}
            </Head>
            <Attempts delivery={delivery} />
          </li>
        ))}
      </ul>
      <More list={list} what="deliveries" />
      {asked !== null && (
        <Confirm
          title="Throw this delivery away?"
          consequence={`${asked.host} will never be told of event ${asked.seq} of the task. The event itself stays.`}
          action="Throw it away"
          isBusy={discard.isPending}
          onConfirm={() => discard.act(asked)}
          onClose={() => setAsked(null)}
        />
      )}
    </>
  );
}

const REASONS: Readonly<Record<string, string>> = {
  gone: 'the receiver said that it is gone',
  retries_exhausted: 'every attempt failed',
  event_missing: 'retention has removed the event',
};

/** What somebody can do about; the others are words that speak for themselves. */
const ERRORS: Readonly<Record<string, string>> = {
  address_refused:
    'address_refused: it is not on the public internet; networks of your own are listed in push.allowNetworks (parley.yaml, or PUSH_ALLOW_NETWORKS in the environment)',
};

function Head({ delivery, children }: { delivery: Delivery; children: ReactNode }) {
  const { state, host, seq, taskId, reason, attempts, nextAttemptAt, eventId } = delivery;
  const isDead = state === 'dead';
  const Icon = isDead ? MailX : Clock;
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
      <span className={`inline-flex items-center gap-1.5 ${isDead ? 'text-failed' : 'text-working'}`}>
        <Icon className="size-3.5" />
        {isDead ? `given up: ${REASONS[reason ?? ''] ?? reason ?? 'unknown'}` : 'waiting'}
      </span>
      <span className="font-mono text-xs break-all">{host}</span>
      <Link
        to="/tasks/$taskId"
        params={{ taskId }}
        search={{ tab: 'timeline', seq }}
        className="text-quiet hover:text-ink hover:underline"
      >
        event {seq} of <span className="font-mono text-xs">{shortId(taskId)}</span>
      </Link>
      <span className="text-quiet">
        {plural(attempts, 'attempt')}
        {nextAttemptAt !== null && (
          <>
            , next <Age at={nextAttemptAt} />
          </>
        )}
      </span>
      <span className="inline-flex items-center text-quiet" title={eventId}>
        <span className="font-mono text-xs">{shortId(eventId)}</span>
        <CopyButton text={eventId} label="event id of the receiver" />
      </span>
      <span className="ml-auto flex gap-1">{children}</span>
    </div>
  );
}

function Attempts({ delivery: { history } }: { delivery: Delivery }) {
  if (history.length === 0) return null;
  return (
    <details className="mt-1">
      <summary className="w-fit rounded-sm text-xs text-quiet hover:text-ink">
        {plural(history.length, 'failed attempt')}
      </summary>
      <ol className="mt-1 grid gap-0.5 pl-4">
        {history.map(({ at, durationMs, status, error }) => (
          <li key={at} className="flex flex-wrap gap-x-3 text-xs">
            <Exact at={at} className="text-quiet" />
            <span className="text-quiet">{formatDuration(durationMs)}</span>
            <span>{status === null ? 'no answer' : `HTTP ${status}`}</span>
            <span className="break-all text-failed">{ERRORS[error ?? ''] ?? error}</span>
          </li>
        ))}
      </ol>
    </details>
  );
}
