import { type Signal, useComputed, useSignal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { BackendRow } from './backend-row.tsx';
import { plural } from './format.ts';
import { backendsOf, steady } from './store.ts';

const heads = ['Backend', 'Load', 'Active', 'p50 · p99', 'Errors', 'Weight', 'Actions'] as const;
const MANY = 12;

/** The backends of a pool; with many of them a search, and a box of its own to scroll in. */
export function BackendTable({ pool }: { pool: string }) {
  const search = useSignal('');
  const badOnly = useSignal(false);
  const backends = backendsOf(pool);
  const total = useComputed(() => backends.value.size);
  const [ids] = useState(() =>
    steady(() => {
      const wanted = search.value.trim().toLowerCase();
      return [...backends.value.values()]
        .filter(({ id, address }) => `${id} ${address}`.toLowerCase().includes(wanted))
        .filter(({ health, state }) => !badOnly.value || health !== 'up' || state !== 'enabled')
        .map(({ id }) => id);
    }),
  );
  const many = total.value > MANY;
  const [body, remember] = useFocusInRows(ids.value);
  return (
    <div class="backends">
      {many && <Filter pool={pool} search={search} badOnly={badOnly} found={ids.value.length} total={total.value} />}
      <section
        class={many ? 'scroll tall' : 'scroll'}
        aria-label={`Backends of ${pool}`}
        {...(many ? { tabIndex: 0 } : {})}
      >
        <table class="grid" aria-label={`Backends of ${pool}`}>
          <thead>
            <tr class="row heads">
              {heads.map((head) => (
                <th scope="col" key={head}>
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody ref={body} onFocusIn={remember}>
            {ids.value.map((id) => (
              <BackendRow key={id} pool={pool} id={id} />
            ))}
          </tbody>
        </table>
        {ids.value.length === 0 && <p class="empty">{total.value === 0 ? 'No backends.' : 'None fits.'}</p>}
      </section>
    </div>
  );
}

/** The focus of a row that goes away goes to the head of its pool, and not to the top of the page. */
function useFocusInRows(ids: readonly string[]) {
  const body = useRef<HTMLTableSectionElement>(null);
  const last = useRef<EventTarget | null>(null);
  useEffect(() => {
    if (!(last.current instanceof HTMLElement) || last.current.isConnected) return;
    last.current = null;
    if (document.activeElement === document.body)
      body.current?.closest('article')?.querySelector<HTMLElement>('.fold')?.focus();
  }, [ids]);
  const remember = ({ target }: FocusEvent): void => {
    last.current = target;
  };
  return [body, remember] as const;
}

interface FilterProps {
  readonly pool: string;
  readonly search: Signal<string>;
  readonly badOnly: Signal<boolean>;
  readonly found: number;
  readonly total: number;
}

function Filter({ pool, search, badOnly, found, total }: FilterProps) {
  return (
    <div class="filter">
      <label>
        Search backends of {pool}
        <input
          type="search"
          value={search.value}
          onInput={({ currentTarget }) => {
            search.value = currentTarget.value;
          }}
        />
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={badOnly.value}
          onChange={({ currentTarget }) => {
            badOnly.value = currentTarget.checked;
          }}
        />
        only those not in use
      </label>
      <output>{found === total ? plural(total, 'backend') : `${found} of ${plural(total, 'backend')}`}</output>
    </div>
  );
}
