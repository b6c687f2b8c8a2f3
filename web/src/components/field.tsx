/** Form fields with their labels, hints and problems. */
import { type ComponentProps, type ReactNode, useId } from 'react';

const BOX =
  'w-full min-w-0 rounded-md border border-edge/60 bg-bg px-2 placeholder:text-quiet focus-visible:outline-offset-0 aria-invalid:border-failed';

export function Input({ className = '', ...rest }: ComponentProps<'input'>) {
  return <input className={`h-7 ${BOX} ${className}`} {...rest} />;
}

export function TextArea({ className = '', ...rest }: ComponentProps<'textarea'>) {
  return <textarea className={`block resize-y py-1.5 ${BOX} ${className}`} {...rest} />;
}

export function Select({ className = '', ...rest }: ComponentProps<'select'>) {
  return <select className={`h-7 ${BOX} ${className}`} {...rest} />;
}

interface FieldProps {
  readonly label: ReactNode;
  readonly hint?: ReactNode;
  readonly problem?: string | null | undefined;
  /** Gets what ties the control to its label and texts. */
  readonly children: (control: { id: string; 'aria-describedby'?: string; 'aria-invalid'?: true }) => ReactNode;
}

export function Field({ label, hint, problem, children }: FieldProps) {
  const id = useId();
  const hasProblem = typeof problem === 'string' && problem !== '';
  const hasText = hasProblem || hint !== undefined;
  return (
    <div className="grid content-start gap-1">
      <label htmlFor={id} className="font-medium">
        {label}
      </label>
      {children({
        id,
        ...(hasText && { 'aria-describedby': `${id}-text` }),
        ...(hasProblem && { 'aria-invalid': true as const }),
      })}
      {hasText && (
        <p id={`${id}-text`} className={`text-xs ${hasProblem ? 'text-failed' : 'text-quiet'}`}>
          {hasProblem ? problem : hint}
        </p>
      )}
    </div>
  );
}

/** A group of choices of which one holds. */
export function Segments<T extends string>(props: {
  label: string;
  value: T;
  choices: readonly (readonly [value: T, label: string])[];
  onChange: (value: T) => void;
}) {
  const name = useId();
  return (
    <fieldset className="inline-flex h-7 w-fit rounded-md border border-line bg-sunk p-0.5">
      <legend className="sr-only">{props.label}</legend>
      {props.choices.map(([value, label]) => (
        <label
          key={value}
          className="flex cursor-pointer items-center rounded-sm px-2 whitespace-nowrap text-quiet has-checked:bg-raised has-checked:text-ink has-focus-visible:outline-2 has-focus-visible:outline-accent"
        >
          <input
            type="radio"
            name={name}
            value={value}
            checked={value === props.value}
            onChange={() => props.onChange(value)}
            className="sr-only"
          />
          {label}
        </label>
      ))}
    </fieldset>
  );
}
