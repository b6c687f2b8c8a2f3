/** Menus that open from a button: plain actions, and filters with several choices. */
import { Check } from 'lucide-react';
import { DropdownMenu } from 'radix-ui';
import type { ReactNode } from 'react';
import { isFocusFree } from '../lib/focus.ts';

export function Menu({ trigger, children }: { trigger: ReactNode; children: ReactNode }) {
  return (
    // Not modal: a modal one locks scrolling by a style element, which the policy forbids.
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          align="start"
          sideOffset={4}
          collisionPadding={8}
          // The trigger gets the focus a moment after the end: not from a field that somebody types in by then.
          onCloseAutoFocus={(event) => {
            if (!isFocusFree()) event.preventDefault();
          }}
          className="z-50 max-h-[min(24rem,var(--radix-dropdown-menu-content-available-height))] min-w-44 animate-arrive overflow-y-auto rounded-lg border border-line bg-raised p-1 outline-none"
        >
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

const ITEM =
  'flex min-h-7 cursor-pointer items-center gap-2 rounded-md px-2 py-1 outline-none data-highlighted:bg-hover data-disabled:text-quiet';

export function MenuItem(props: { onSelect: () => void; children: ReactNode; isDanger?: boolean; disabled?: boolean }) {
  return (
    <DropdownMenu.Item
      onSelect={props.onSelect}
      disabled={props.disabled ?? false}
      className={`${ITEM} ${props.isDanger === true ? 'text-failed' : ''}`}
    >
      {props.children}
    </DropdownMenu.Item>
  );
}

/** One of several that may be chosen together; the menu stays open. */
export function MenuCheck(props: { checked: boolean; onChange: (checked: boolean) => void; children: ReactNode }) {
  return (
    <DropdownMenu.CheckboxItem
      checked={props.checked}
      onCheckedChange={props.onChange}
      onSelect={(event) => event.preventDefault()}
      className={ITEM}
    >
      <span className="flex-1">{props.children}</span>
      <Check className={`size-3.5 ${props.checked ? '' : 'invisible'}`} />
    </DropdownMenu.CheckboxItem>
  );
}

/** Exactly one of several. */
export function MenuChoices<T extends string>(props: {
  value: T;
  choices: readonly (readonly [value: T, label: ReactNode])[];
  onChange: (value: T) => void;
}) {
  return (
    <DropdownMenu.RadioGroup value={props.value}>
      {props.choices.map(([value, label]) => (
        <DropdownMenu.RadioItem key={value} value={value} onSelect={() => props.onChange(value)} className={ITEM}>
          <span className="flex-1">{label}</span>
          <Check className={`size-3.5 ${value === props.value ? '' : 'invisible'}`} />
        </DropdownMenu.RadioItem>
      ))}
    </DropdownMenu.RadioGroup>
  );
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <DropdownMenu.Label className="px-2 pt-1.5 pb-1 text-xs text-quiet">{children}</DropdownMenu.Label>;
}

export function MenuLine() {
  return <DropdownMenu.Separator className="my-1 h-px bg-line" />;
}
