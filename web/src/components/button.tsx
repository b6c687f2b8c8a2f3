/** Buttons. One primary per view; everything else is quiet. */
import type { ComponentProps } from 'react';
import { Hint } from './hint.tsx';

const LOOKS = {
  primary: 'border border-transparent bg-fill text-on-fill hover:opacity-88',
  plain: 'border border-line bg-raised hover:bg-hover',
  quiet: 'border border-transparent text-quiet hover:bg-hover hover:text-ink',
  danger: 'border border-transparent bg-failed text-bg hover:opacity-88',
} as const;

export interface ButtonProps extends ComponentProps<'button'> {
  readonly look?: keyof typeof LOOKS;
}

export function Button({ look = 'plain', className = '', type = 'button', ...rest }: ButtonProps) {
  return (
    <button
      type={type}
      className={`inline-flex h-7 shrink-0 items-center justify-center gap-1.5 rounded-md px-2.5 font-medium whitespace-nowrap ${LOOKS[look]} ${className}`}
      {...rest}
    />
  );
}

/** A button of one icon: its label is read out, and shown as a hint. */
export function IconButton({ label, keys, className = '', ...rest }: ButtonProps & { label: string; keys?: string }) {
  return (
    <Hint text={label} keys={keys}>
      <Button look="quiet" aria-label={label} className={`w-7 px-0! ${className}`} {...rest} />
    </Hint>
  );
}
