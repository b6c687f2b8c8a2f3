/** The server about itself: health, configuration; and who is signed in. */
import { useNavigate, useSearch } from '@tanstack/react-router';
import { usePrincipal } from '../../api/session.ts';
import { Segments } from '../../components/field.tsx';
import { Page } from '../page.tsx';
import { Configuration } from './configuration.tsx';
import { Health } from './health.tsx';
import { Sessions } from './sessions.tsx';

type Tab = 'health' | 'configuration' | 'sessions';

export function SettingsPage() {
  const isAdmin = usePrincipal()?.isAdmin === true;
  const { tab = isAdmin ? 'health' : 'sessions' } = useSearch({ from: '/settings' });
  const navigate = useNavigate({ from: '/settings' });
  return (
    <Page
      title="Settings"
      lead={
        isAdmin && (
          <Segments<Tab>
            label="Part of the settings"
            value={tab}
            choices={[
              ['health', 'Health'],
              ['configuration', 'Configuration'],
              ['sessions', 'Sessions'],
            ]}
            onChange={(value) => void navigate({ search: value === 'health' ? {} : { tab: value }, replace: true })}
          />
        )
      }
    >
      {tab === 'health' && <Health />}
      {tab === 'configuration' && <Configuration />}
      {tab === 'sessions' && <Sessions isAdmin={isAdmin} />}
    </Page>
  );
}
