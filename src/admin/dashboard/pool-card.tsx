import { useState } from 'preact/hooks';
import { AddBackend } from './add-backend.tsx';
import { BackendTable } from './backend-table.tsx';
import { PoolCharts } from './chart.tsx';
import { count, latency, plural, rate } from './format.ts';
import { pools, steady } from './store.ts';
import { useVisible } from './visible.ts';

/** A pool: its figures, its charts and its backends. */
export function PoolCard({ name, startOpen }: { name: string; startOpen: boolean }) {
  const [attach, visible] = useVisible<HTMLElement>();
  const [open, setOpen] = useState(startOpen);
  const [adding, setAdding] = useState(false);
  return (
    <article class="card pool" ref={attach} aria-label={`Pool ${name}`}>
      <div class="pool-head">
        <h3>
          <button type="button" class="fold" aria-expanded={open} onClick={() => setOpen(!open)}>
            <span aria-hidden="true">{open ? '▾' : '▸'}</span> {name}
          </button>
        </h3>
        <PoolFigures name={name} visible={visible} />
        <button type="button" onClick={() => setAdding(true)} aria-label={`Add a backend to ${name}`}>
          Add backend
        </button>
      </div>
      <Changes name={name} />
      {open && <PoolCharts name={name} visible={visible} />}
      {open && <BackendTable pool={name} />}
      {adding && <AddBackend pool={name} onClose={() => setAdding(false)} />}
    </article>
  );
}

/** What is other than in the config, since it was changed at run time. */
function Changes({ name }: { name: string }) {
  const [changes] = useState(() => steady(() => pools.value.get(name)?.changes ?? []));
  if (changes.value.length === 0) return null;
  return (
    <ul class="changes" aria-label={`Changed in ${name} since the config was loaded`}>
      {changes.value.map((change) => (
        <li key={change}>{change}</li>
      ))}
    </ul>
  );
}

function PoolFigures({ name, visible }: { name: string; visible: boolean }) {
  const pool = (visible ? pools.value : pools.peek()).get(name);
  if (pool === undefined) return null;
  const { algorithm, healthy, backends, active, leases, errors, failures, retries, ejections, recentMs } = pool;
  const tone = healthy === 0 ? 'bad' : healthy < backends.length ? 'warn' : 'good';
  return (
    <dl class="figures">
      <Figure title="algorithm" value={algorithm} />
      <Figure title="healthy" value={`${count(healthy)} of ${plural(backends.length, 'backend')}`} tone={tone} />
      <Figure title="load" value={`${rate(leases.perSecond)}/s`} more={count(leases.total)} />
      <Figure title="active" value={count(active)} />
      <Figure title="p50" value={latency(recentMs.p50)} />
      <Figure title="p99" value={latency(recentMs.p99)} />
      <Figure
        title="errors"
        value={`${rate(errors.perSecond)}/s`}
        more={count(errors.total)}
        tone={errors.perSecond > 0 ? 'bad' : ''}
      />
      <Figure
        title="failed tries"
        value={`${rate(failures.perSecond)}/s`}
        more={count(failures.total)}
        tone={failures.perSecond > 0 ? 'warn' : ''}
      />
      <Figure title="retries" value={`${rate(retries.perSecond)}/s`} more={count(retries.total)} />
      <Figure title="ejections" value={count(ejections)} />
    </dl>
  );
}

function Figure({ title, value, more, tone = '' }: { title: string; value: string; more?: string; tone?: string }) {
  return (
    <div class={`figure-pair ${tone}`}>
      <dt>{title}</dt>
      <dd>
        {value}
        {more !== undefined && <small title="since the start">{more}</small>}
      </dd>
    </div>
  );
}
