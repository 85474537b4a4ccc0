import { useId, useState } from 'preact/hooks';
import type { ExplainRequest, Explanation } from '../explain-schema.ts';
import { readHeaders } from './header-lines.ts';
import { ask, complaint } from './session.ts';

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;

/** Asks which route would take a request, and why, without sending it. */
export function Explainer() {
  const [answer, setAnswer] = useState<Explanation | string | undefined>(undefined);
  const explain = async (request: ExplainRequest): Promise<void> => {
    const answered = await ask('POST', '/api/explain', request);
    setAnswer(answered.ok ? (answered.body as Explanation) : complaint(answered));
  };
  return (
    <section id="explain" class="card" aria-labelledby="explain-title">
      <h2 id="explain-title">Where would a request go?</h2>
      <p class="hint">It is played on the config in force, and sent nowhere.</p>
      <RequestForm onAsk={explain} />
      <div role="status">
        {typeof answer === 'string' && <p class="wrong">{answer}</p>}
        {typeof answer === 'object' && <Result explanation={answer} />}
      </div>
    </section>
  );
}

function RequestForm({ onAsk }: { onAsk: (request: ExplainRequest) => Promise<void> }) {
  const [method, setMethod] = useState<string>('GET');
  const [url, setUrl] = useState('/');
  const [headers, setHeaders] = useState('');
  const [source, setSource] = useState('');
  const [body, setBody] = useState('');
  const submit = (event: Event): void => {
    event.preventDefault();
    void onAsk({
      method,
      url,
      headers: readHeaders(headers),
      ...(source.trim() === '' ? {} : { source: source.trim() }),
      ...(body === '' ? {} : { body }),
    });
  };
  return (
    <form class="explain" onSubmit={submit}>
      <label>
        Method
        <select value={method} onChange={({ currentTarget }) => setMethod(currentTarget.value)}>
          {methods.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <Field title="URL or path" value={url} onInput={setUrl} required />
      <button type="submit" class="primary">
        Explain
      </button>
      <details>
        <summary>Headers, body, source</summary>
        <Field title="Headers, one a line" value={headers} onInput={setHeaders} placeholder="x-tier: gold" tall />
        <Field title="Body" value={body} onInput={setBody} tall />
        <Field title="Source address" value={source} onInput={setSource} placeholder="127.0.0.1" />
      </details>
    </form>
  );
}

function Field(props: {
  title: string;
  value: string;
  onInput: (value: string) => void;
  placeholder?: string;
  required?: boolean;
  tall?: boolean;
}) {
  const { title, value, onInput, placeholder = '', required = false, tall = false } = props;
  const id = useId();
  const shared = { id, value, placeholder, required, autocomplete: 'off', spellcheck: false } as const;
  return (
    <label for={id}>
      {title}
      {tall ? (
        <textarea {...shared} rows={2} onInput={({ currentTarget }) => onInput(currentTarget.value)} />
      ) : (
        <input {...shared} onInput={({ currentTarget }) => onInput(currentTarget.value)} />
      )}
    </label>
  );
}

function Result({ explanation }: { explanation: Explanation }) {
  const { outcome, summary, listeners, steps, changes, settings, notes } = explanation;
  return (
    <div class="result">
      <p class={outcome === 'matched' ? 'verdict good' : 'verdict bad'}>{summary}</p>
      {steps.length > 0 && (
        <ol class="steps">
          {steps.map(({ index, name, outcome: became, failures }) => (
            <li key={index} class={became}>
              <b>{name}</b> <span class="word">{became.replace('-', ' ')}</span>
              {failures.map(({ condition, expected, got }) => (
                <small key={condition}>
                  {condition}: wants {expected}, has {got}
                </small>
              ))}
            </li>
          ))}
        </ol>
      )}
      {steps.length === 0 && (
        <Lines title="Listeners" lines={listeners.map(({ name, reason }) => `${name}: ${reason}`)} />
      )}
      <Lines title="Changes" lines={changes} />
      <Lines title="Settings" lines={settings} />
      <Lines title="Notes" lines={notes} />
    </div>
  );
}

function Lines({ title, lines }: { title: string; lines: readonly string[] }) {
  if (lines.length === 0) return null;
  return (
    <>
      <h3>{title}</h3>
      <ul>
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </>
  );
}
