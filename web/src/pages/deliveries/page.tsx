/** What was pushed and did not arrive yet, or was given up. */
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { deliveriesKey, redeliverAll } from '../../api/deliveries.ts';
import { useMayWrite } from '../../api/session.ts';
import { Button } from '../../components/button.tsx';
import { Segments } from '../../components/field.tsx';
import { Empty } from '../../components/notices.tsx';
import { toast } from '../../components/toasts.tsx';
import { useAction } from '../../components/use-action.ts';
import { plural } from '../../lib/format.ts';
import { Page } from '../page.tsx';
import { DeliveryList } from './list.tsx';

type Shown = 'all' | 'pending' | 'dead';

export function DeliveriesPage() {
  const { state } = useSearch({ from: '/deliveries' });
  const navigate = useNavigate({ from: '/deliveries' });
  const client = useQueryClient();
  const mayWrite = useMayWrite();
  const { act, isPending } = useAction({
    run: redeliverAll,
    what: 'Redelivering',
    onDone: ({ redelivered }) => toast({ title: `${plural(redelivered, 'dead letter')} wait again` }),
    onSettled: () => client.invalidateQueries({ queryKey: deliveriesKey }),
  });
  return (
    <Page
      title="Deliveries"
      lead={
        <Segments<Shown>
          label="Which deliveries"
          value={state ?? 'all'}
          choices={[
            ['all', 'All'],
            ['pending', 'Waiting'],
            ['dead', 'Given up'],
          ]}
          onChange={(value) => void navigate({ search: value === 'all' ? {} : { state: value }, replace: true })}
        />
      }
      actions={
        state === 'dead' &&
        mayWrite && (
          <Button onClick={() => act()} disabled={isPending}>
            Redeliver all
          </Button>
        )
      }
    >
      <DeliveryList
        conditions={state === undefined ? {} : { state }}
        none={
          <Empty title={state === 'dead' ? 'Nothing was given up' : 'Nothing waits'}>
            Push notifications that were delivered are not kept. What waits for its next attempt, or was given up, is
            here.
          </Empty>
        }
      />
    </Page>
  );
}
