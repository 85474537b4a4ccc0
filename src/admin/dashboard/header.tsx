import { useState } from 'preact/hooks';
import { reload } from './actions.ts';
import { Confirm } from './confirm.tsx';
import { count, span } from './format.ts';
import { link } from './link.ts';
import { setToken, token } from './session.ts';
import { status, traffic } from './store.ts';

const sections = [
  ['flow', 'Flow'],
  ['pools', 'Pools'],
  ['listeners', 'Listeners'],
  ['explain', 'Explain'],
  ['events', 'Events'],
] as const;

const words = { connecting: 'Connecting', live: 'Live', lost: 'No connection', locked: 'Locked' } as const;

/** The top of the page: what it is of, how it stands, where to go, and what concerns all of it. */
export function Header() {
  const [asking, setAsking] = useState(false);
  const { kind } = link.value;
  return (
    <header class="top">
      <div class="brand">
        <Mark />
        <h1>Fairlead</h1>
        <span class={`pill ${kind}`}>{words[kind]}</span>
        <About />
      </div>
      <nav aria-label="Sections">
        {kind !== 'locked' &&
          sections.map(([id, title]) => (
            <a key={id} href={`#${id}`}>
              {title}
            </a>
          ))}
      </nav>
      <div class="tools">
        {token() !== '' && kind !== 'locked' && (
          <button type="button" class="quiet" onClick={forget}>
            Forget token
          </button>
        )}
        {kind !== 'locked' && (
          <button type="button" onClick={() => setAsking(true)}>
            Reload config
          </button>
        )}
      </div>
      {asking && (
        <Confirm title="Reload the config?" action="Reload" onConfirm={reload} onClose={() => setAsking(false)}>
          The config file is loaded again. It comes into force as a whole, or, when something is wrong with it, not at
          all. Open connections stay.
        </Confirm>
      )}
    </header>
  );
}

function forget(): void {
  setToken('');
  location.reload();
}

function About() {
  const about = status.value;
  if (about === undefined || link.value.kind === 'locked') return null;
  const upMs = (traffic.value?.at ?? Date.now()) - Date.parse(about.startedAt);
  return (
    <p class="about">
      <span>{about.version}</span>
      <span>up {span(upMs)}</span>
      <span>config {count(traffic.value?.generation ?? about.generation)}</span>
      <span class="path" title={about.configPath ?? 'not from a file'}>
        {about.configPath ?? 'not from a file'}
      </span>
    </p>
  );
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="7" />
      <path d="M6 16h6c5 0 5-8 10-8h4M12 16h14M12 16c5 0 5 8 10 8h4" />
    </svg>
  );
}
