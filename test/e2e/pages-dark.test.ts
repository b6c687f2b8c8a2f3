/** Every page in the dark theme, at two widths. */
import { describePages } from './pages.ts';

describePages([
  { width: 1280, height: 800, theme: 'dark' },
  { width: 1920, height: 1080, theme: 'dark' },
]);
