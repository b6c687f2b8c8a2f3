/** The rate of a task's events over its life: a bar for each digit. */
export function Sparkline({ rate }: { rate: string }) {
  if (rate === '') return null;
  const bars = Array.from(rate, (digit, index) => (digit === '0' ? '' : `M${index + 0.5} 9.5v-${digit}`)).join('');
  return (
    <svg
      viewBox="0 0 16 10"
      preserveAspectRatio="none"
      aria-hidden="true"
      data-rate={rate}
      className="h-3.5 w-full stroke-quiet"
    >
      <path d="M0 9.75h16" className="stroke-line" strokeWidth="0.5" />
      <path d={bars} strokeWidth="0.7" />
    </svg>
  );
}
