/** What authentication counts; `ops` turns it into Prometheus metrics. */

export interface AccessMetrics {
  /** The admin key, or a token got with it, was presented; what has not the form of an API key counts here too. */
  adminAuth(result: 'success' | 'failure'): void;
  /** An API key was presented, or (`missing`) no credential at all. */
  keyAuth(result: 'success' | 'failure' | 'missing'): void;
}

export const NO_ACCESS_METRICS: AccessMetrics = { adminAuth: () => {}, keyAuth: () => {} };
