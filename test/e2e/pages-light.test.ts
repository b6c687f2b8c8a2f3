/** Every page in the light theme, at two widths. */
import { describePages } from './pages.ts';

describePages([
  { width: 1280, height: 800, theme: 'light' },
  { width: 360, height: 740, theme: 'light' },
]);
