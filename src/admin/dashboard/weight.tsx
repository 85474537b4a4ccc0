import { useEffect, useRef, useState } from 'preact/hooks';
import { type BackendPlace, changeBackend } from './actions.ts';

/** The largest weight that a config can give. */
export const LARGEST_WEIGHT = 65_535;

/** The weight of a backend, to be typed over; Enter, or leaving the field, brings it into force, Escape takes it back. */
export function Weight({ place, weight }: { place: BackendPlace; weight: number }) {
  const field = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState<string | undefined>(undefined);
  const shown = typed ?? String(weight);
  useEffect(() => {
    if (document.activeElement !== field.current) setTyped(undefined);
  }, [weight]);
  const send = async (): Promise<void> => {
    const next = Number(shown);
    if (typed === undefined || next === weight) return setTyped(undefined);
    if (!field.current!.reportValidity()) return undefined;
    await changeBackend(place, { weight: next });
    return setTyped(undefined);
  };
  return (
    <input
      ref={field}
      type="number"
      class="weight"
      min={0}
      max={LARGEST_WEIGHT}
      step={1}
      required
      value={shown}
      aria-label={`Weight of ${place.id}`}
      onInput={({ currentTarget }) => setTyped(currentTarget.value)}
      onBlur={send}
      onKeyDown={({ key }) => {
        if (key === 'Enter') void send();
        if (key === 'Escape') setTyped(undefined);
      }}
    />
  );
}
