import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';

/** A dialog: the focus goes into it, stays in it, and goes back where it was. */
export function Dialog(props: { title: string; onClose: () => void; children: ComponentChildren; asks?: boolean }) {
  const { title, onClose, children, asks = false } = props;
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  // Not after the next paint: a key that is pressed at once is for the dialog already.
  useLayoutEffect(() => {
    const before = document.activeElement;
    const dialog = element.current;
    dialog?.showModal();
    dialog?.querySelector<HTMLElement>('[data-first]')?.focus();
    return () => {
      const { activeElement: now } = document;
      const isOurs = now === null || now === document.body || dialog?.contains(now) === true;
      // Nothing outside can have the focus while it is open.
      dialog?.close();
      if (isOurs && before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog ref={element} role={asks ? 'alertdialog' : 'dialog'} aria-labelledby={titleId} onClose={onClose}>
      <div class="dialog">
        <h2 id={titleId}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}

/** Asks before something is done that hurts. */
export function Confirm(props: {
  title: string;
  action: string;
  danger?: boolean;
  children: ComponentChildren;
  onConfirm: () => Promise<unknown>;
  onClose: () => void;
}) {
  const { title, action, danger = false, children, onConfirm, onClose } = props;
  const [busy, setBusy] = useState(false);
  const confirm = async (): Promise<void> => {
    setBusy(true);
    await onConfirm();
    onClose();
  };
  return (
    <Dialog title={title} onClose={onClose} asks>
      <p>{children}</p>
      <div class="buttons">
        <button type="button" class="quiet" onClick={onClose}>
          Cancel
        </button>
        <button type="button" class={danger ? 'danger' : 'primary'} disabled={busy} onClick={confirm} data-first>
          {action}
        </button>
      </div>
    </Dialog>
  );
}
