/** A new secret for a key; the old one may work on for a while. */
import { useState } from 'react';
import { Button } from '../../components/button.tsx';
import { Dialog } from '../../components/dialog.tsx';
import { Field, Select } from '../../components/field.tsx';

const GRACES = [
  ['0', 'stops at once'],
  ['300', 'works for 5 minutes more'],
  ['3600', 'works for an hour more'],
  ['86400', 'works for a day more'],
] as const;

interface Props {
  readonly name: string;
  readonly isBusy: boolean;
  readonly onRotate: (graceSeconds: number) => void;
  readonly onClose: () => void;
}

export function RotateKeyDialog({ name, isBusy, onRotate, onClose }: Props) {
  const [grace, setGrace] = useState('3600');
  return (
    <Dialog
      title={`Rotate “${name}”?`}
      description="It gets a new secret, shown once. Its name, scopes and tasks stay."
      onClose={onClose}
      className="max-w-md"
    >
      <div className="grid gap-4 pt-2">
        <Field label="The old secret">
          {(control) => (
            <Select {...control} value={grace} onChange={(event) => setGrace(event.target.value)}>
              {GRACES.map(([seconds, label]) => (
                <option key={seconds} value={seconds}>
                  {label}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Keep it</Button>
          <Button look="primary" disabled={isBusy} onClick={() => onRotate(Number(grace))}>
            Rotate the key
          </Button>
        </div>
      </div>
    </Dialog>
  );
}
