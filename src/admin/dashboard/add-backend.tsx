import { useState } from 'preact/hooks';
import { addBackend } from './actions.ts';
import { Dialog } from './confirm.tsx';
import { LARGEST_WEIGHT } from './weight.tsx';

/** Asks for a backend to add to a pool. */
export function AddBackend({ pool, onClose }: { pool: string; onClose: () => void }) {
  const [address, setAddress] = useState('');
  const [weight, setWeight] = useState('1');
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<string | undefined>(undefined);
  const add = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    const problem = await addBackend(pool, address.trim(), Number(weight));
    setBusy(false);
    setWrong(problem);
    if (problem === undefined) onClose();
  };
  return (
    <Dialog title={`Add a backend to ${pool}`} onClose={onClose}>
      <form onSubmit={add}>
        <label>
          Address
          <input
            required
            data-first
            autocomplete="off"
            spellcheck={false}
            placeholder="127.0.0.1:3004"
            value={address}
            onInput={({ currentTarget }) => setAddress(currentTarget.value)}
          />
        </label>
        <label>
          Weight
          <input
            type="number"
            required
            min={0}
            max={LARGEST_WEIGHT}
            value={weight}
            onInput={({ currentTarget }) => setWeight(currentTarget.value)}
          />
        </label>
        <p role="alert" class="wrong">
          {wrong}
        </p>
        <p class="hint">
          It takes over the checks and limits of the pool, and gets traffic once it is found to be well.
        </p>
        <div class="buttons">
          <button type="button" class="quiet" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={busy}>
            Add
          </button>
        </div>
      </form>
    </Dialog>
  );
}
