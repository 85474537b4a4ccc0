import { useEffect, useRef, useState } from 'preact/hooks';
import { link } from './link.ts';
import { setToken } from './session.ts';

/** Asks for the token of the admin server. */
export function TokenForm({ onToken }: { onToken: () => void }) {
  const [typed, setTyped] = useState('');
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const state = link.value;
  const refused = state.kind === 'locked' && state.refused;
  return (
    <form
      class="card token"
      onSubmit={(event) => {
        event.preventDefault();
        setToken(typed.trim());
        onToken();
      }}
    >
      <h2>This Fairlead asks for its token</h2>
      <label>
        Token
        <input
          type="password"
          autocomplete="off"
          spellcheck={false}
          required
          ref={field}
          value={typed}
          aria-invalid={refused}
          aria-describedby="token-hint"
          onInput={({ currentTarget }) => setTyped(currentTarget.value)}
        />
      </label>
      {refused && (
        <p role="alert" class="wrong">
          Fairlead does not take this token.
        </p>
      )}
      <p id="token-hint" class="hint">
        It is the one of <code>admin.token</code> in the config. This tab remembers it until it is closed.
      </p>
      <button type="submit" class="primary">
        Open
      </button>
    </form>
  );
}
