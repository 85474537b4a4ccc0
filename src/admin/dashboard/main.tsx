import { effect } from '@preact/signals';
import { render } from 'preact';
import { App } from './app.tsx';
import { Link, link } from './link.ts';
import { token } from './session.ts';
import { hear, refreshStatus } from './store.ts';

const stream = new Link({ path: '/api/events?traffic=true&last=200', token, onEvent: hear });

// What is asked only once is asked again of a Fairlead that has come back, which may be another one.
effect(() => {
  if (link.value.kind === 'live') void refreshStatus();
});

render(<App onToken={() => stream.retry()} onRetry={() => stream.retry()} />, document.querySelector('#app')!);
void stream.run();
