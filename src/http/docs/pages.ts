/** The pages as HTML. They hold no data of anybody, and no script of their own but the one of the API page. */
import type { Assets } from './assets.ts';

export interface PageFacts {
  readonly version: string;
  readonly metricsUrl: string;
  readonly defaultAgent: { readonly id: string; readonly name: string };
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');

function layout(assets: Assets, title: string, body: string, script = ''): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(title)}</title>
<link rel="icon" type="image/svg+xml" href="${assets.pathOf('mark.svg')}">
<link rel="stylesheet" href="${assets.pathOf('parley.css')}">
${script}</head>
<body>
${body}
</body>
</html>
`;
}

const mark = (assets: Assets): string =>
  `<img class="mark" src="${assets.pathOf('mark.svg')}" width="40" height="40" alt="">`;

/** `html` is trusted markup, made here. */
const row = (term: string, html: string): string => `<div><dt>${escape(term)}</dt><dd>${html}</dd></div>`;

const link = (href: string, text = href): string => `<a href="${escape(href)}">${escape(text)}</a>`;

export function landingPage(assets: Assets, { version, defaultAgent }: PageFacts): string {
  return layout(
    assets,
    'Parley',
    `<main class="page">
${mark(assets)}<h1>Parley</h1>
<p class="lead">A control plane for A2A (Agent2Agent) agents. Each agent behind this server has an address here and a durable log of its tasks.</p>
<dl class="rows">
${row('API', `${link('/docs', 'Try it in the browser')} &middot; ${link('/docs/openapi.json', 'OpenAPI 3.1')}`)}
${row('Default agent', `${escape(defaultAgent.name)}, at <code>/a2a</code> &middot; ${link('/.well-known/agent-card.json', 'its card')}`)}
${row('Health', `${link('/healthz')} &middot; ${link('/readyz')}`)}
${row('Metrics', link('/ui/metrics', 'Where the numbers are'))}
</dl>
<p class="foot">Version ${escape(version)}</p>
</main>`,
  );
}

/** What stands at the addresses of the console until it is there. */
export function consolePage(assets: Assets, title: string, facts: PageFacts): string {
  const { metricsUrl, version } = facts;
  return layout(
    assets,
    `${title} - Parley`,
    `<main class="page">
${mark(assets)}<h1>${escape(title)}</h1>
<p class="lead">The console is not part of this version. The numbers and the tasks are there all the same:</p>
<dl class="rows">
${row('Metrics', `${link(`${metricsUrl}/metrics`)}<br><span class="quiet">For Prometheus: requests, tasks, events, streams, limits, the process.</span>`)}
${row('Tasks', `<code>GET /a2a/tasks</code><br><span class="quiet">Your own, with your key. ${link('/docs#op-ListTasks', 'Try it')}.</span>`)}
${row('One task, live', `<code>GET /a2a/tasks/{id}:subscribe</code><br><span class="quiet">Its events as they are stored. ${link('/docs#op-SubscribeToTask', 'Try it')}.</span>`)}
${row('Health', `${link('/healthz')} &middot; ${link('/readyz')}`)}
</dl>
<p class="foot">${link('/', 'Parley')} ${escape(version)}</p>
</main>`,
  );
}

export function notFoundPage(assets: Assets, path: string): string {
  const shown = path.length > 200 ? `${path.slice(0, 200)}...` : path;
  return layout(
    assets,
    'Not found - Parley',
    `<main class="page">
${mark(assets)}<h1>There is no such page</h1>
<p class="lead"><code>${escape(shown)}</code> is no page of this server.</p>
<dl class="rows">
${row('Start', link('/'))}
${row('API', link('/docs'))}
</dl>
</main>`,
  );
}

export function apiPage(assets: Assets, { version }: PageFacts): string {
  return layout(
    assets,
    'API - Parley',
    `<header class="bar">
<a class="home" href="/"><img src="${assets.pathOf('mark.svg')}" width="20" height="20" alt="">Parley <span class="quiet mono">${escape(version)}</span></a>
<label class="address">Address <select id="address"><option value="/a2a">/a2a, the default agent</option><option value="/a2a/agents/{agentId}">/a2a/agents/{agentId}</option></select></label>
<label class="key">Key <input id="key" class="secret" type="text" autocomplete="off" autocapitalize="off" spellcheck="false" placeholder="stays in this page, never stored" size="30"></label>
</header>
<div class="columns">
<nav class="nav" id="nav" aria-label="API"></nav>
<main class="content" id="content"><p class="quiet" id="loading">Loading <a href="/docs/openapi.json">the description</a>. This page needs JavaScript; the description does not.</p></main>
</div>`,
    `<script type="module" src="${assets.pathOf('api.js')}"></script>\n`,
  );
}
