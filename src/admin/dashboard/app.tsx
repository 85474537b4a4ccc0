import { useEffect } from 'preact/hooks';
import { Banner } from './banner.tsx';
import { EventList } from './event-list.tsx';
import { Explainer } from './explainer.tsx';
import { FlowSection } from './flow-section.tsx';
import { Header } from './header.tsx';
import { link } from './link.ts';
import { Listeners } from './listeners.tsx';
import { Notices } from './notice-list.tsx';
import { PoolCard } from './pool-card.tsx';
import { poolNames, traffic } from './store.ts';
import { Tiles } from './tiles.tsx';
import { TokenForm } from './token-form.tsx';

/** The whole page. */
export function App({ onToken, onRetry }: { onToken: () => void; onRetry: () => void }) {
  const { kind } = link.value;
  const locked = kind === 'locked';
  useEffect(() => {
    document.title = kind === 'lost' ? 'Fairlead: no connection' : 'Fairlead';
  }, [kind]);
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Header />
      <Banner onRetry={onRetry} />
      <main id="main" tabIndex={-1} class={kind === 'lost' ? 'stale' : ''}>
        {locked ? <TokenForm onToken={onToken} /> : <Content />}
      </main>
      <Notices />
    </>
  );
}

function Content() {
  if (traffic.value === undefined) return <p class="waiting">Waiting for the first news from Fairlead…</p>;
  return <Sections />;
}

function Sections() {
  const names = poolNames.value;
  return (
    <>
      <Tiles />
      <FlowSection />
      <section id="pools" aria-labelledby="pools-title">
        <h2 id="pools-title">Pools</h2>
        {names.length === 0 && <p class="empty">The config has no pools.</p>}
        {names.map((name) => (
          <PoolCard key={name} name={name} startOpen={names.length <= 12} />
        ))}
      </section>
      <Listeners />
      <div class="pair">
        <Explainer />
        <EventList />
      </div>
    </>
  );
}
