/** The pages and their addresses. web/public/routes.json tells the server the same list; a test compares them. */
import { createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect } from '@tanstack/react-router';
import { Failure, Loading } from './components/notices.tsx';
import { Root } from './frame/root.tsx';
import { readTaskSearch, readTasksSearch } from './lib/task-search.ts';
import { NotFoundPage } from './pages/not-found.tsx';

const rootRoute = createRootRoute({ component: Root, notFoundComponent: NotFoundPage });

const overviewRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  validateSearch: (search): { window?: '15m' | '24h' } =>
    search['window'] === '15m' || search['window'] === '24h' ? { window: search['window'] } : {},
  component: lazyRouteComponent(() => import('./pages/overview/page.tsx'), 'OverviewPage'),
});

const tasksRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/tasks',
  validateSearch: readTasksSearch,
  component: lazyRouteComponent(() => import('./pages/tasks/page.tsx'), 'TasksPage'),
});

const taskRoute = createRoute({
  getParentRoute: () => tasksRoute,
  path: '$taskId',
  validateSearch: readTaskSearch,
  component: lazyRouteComponent(() => import('./pages/task/page.tsx'), 'TaskPage'),
});

/** Where the A2A Console has been since the first version. */
const metricsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/metrics',
  validateSearch: readTasksSearch,
  beforeLoad: ({ search }) => {
    // What the router takes as a redirect is no Error.
    // oxlint-disable-next-line typescript/only-throw-error
    throw redirect({ to: '/tasks', search, replace: true });
  },
});

/** Numbers as they change: that is the overview. */
const liveMetricsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/live-metrics',
  beforeLoad: () => {
    // oxlint-disable-next-line typescript/only-throw-error
    throw redirect({ to: '/', replace: true });
  },
});

const agentsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/agents',
  component: lazyRouteComponent(() => import('./pages/agents/page.tsx'), 'AgentsPage'),
});

const agentRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/agents/$agentId',
  component: lazyRouteComponent(() => import('./pages/agents/agent-page.tsx'), 'AgentPage'),
});

const deliveriesRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/deliveries',
  validateSearch: (search): { state?: 'pending' | 'dead' } =>
    search['state'] === 'pending' || search['state'] === 'dead' ? { state: search['state'] } : {},
  component: lazyRouteComponent(() => import('./pages/deliveries/page.tsx'), 'DeliveriesPage'),
});

const keysRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/keys',
  component: lazyRouteComponent(() => import('./pages/keys/page.tsx'), 'KeysPage'),
});

const settingsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/settings',
  validateSearch: (search): { tab?: 'configuration' | 'sessions' } =>
    search['tab'] === 'configuration' || search['tab'] === 'sessions' ? { tab: search['tab'] } : {},
  component: lazyRouteComponent(() => import('./pages/settings/page.tsx'), 'SettingsPage'),
});

export const router = createRouter({
  basepath: '/ui',
  routeTree: rootRoute.addChildren([
    overviewRoute,
    tasksRoute.addChildren([taskRoute]),
    metricsRoute,
    liveMetricsRoute,
    agentsRoute,
    agentRoute,
    deliveriesRoute,
    keysRoute,
    settingsRoute,
  ]),
  defaultPreload: 'intent',
  defaultPendingComponent: () => <Loading />,
  defaultErrorComponent: ({ error }) => <Failure what="This page" error={error} onRetry={() => location.reload()} />,
  scrollRestoration: false,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
