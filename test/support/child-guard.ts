/** Child processes of tests must not outlive them, not even when the test process is killed. */
export { guardChild, guardScript } from '../../scripts/replica-set/child-guard.mjs';
