// Comfort for the book: nothing that a page says needs this.
'use strict';

(function identities() {
    // All places that name one thing light up together, and one tip says what it is, also where there is no mouse.
    const tip = document.createElement('div');
    tip.className = 'lab-tip';
    tip.setAttribute('role', 'tooltip');
    tip.hidden = true;
    document.body.append(tip);
    const told = '.lab-id[title], .lab-var[title], .lab-id[data-lab-tip], .lab-var[data-lab-tip]';
    let current = null;

    function same(element) {
        const id = element.dataset.labId;
        return id === undefined ? [] : document.querySelectorAll(`.lab-id[data-lab-id="${id}"]`);
    }

    function leave() {
        if (current) {
            same(current).forEach(element => element.classList.remove('lab-same'));
        }
        current = null;
        tip.hidden = true;
    }

    function enter(element) {
        if (element === current) {
            return;
        }
        leave();
        current = element;
        if (element.hasAttribute('title')) {
            // The browser would show it a second time.
            element.dataset.labTip = element.getAttribute('title');
            element.removeAttribute('title');
        }
        same(element).forEach(other => other.classList.add('lab-same'));
        tip.textContent = element.dataset.labTip;
        tip.hidden = false;
        const place = element.getBoundingClientRect();
        const below = place.bottom + tip.offsetHeight + 12 < window.innerHeight;
        tip.style.top = `${below ? place.bottom + 6 : Math.max(4, place.top - tip.offsetHeight - 6)}px`;
        tip.style.left = `${Math.max(8, Math.min(place.left, window.innerWidth - tip.offsetWidth - 8))}px`;
    }

    document.addEventListener('mouseover', event => {
        const element = event.target.closest(told);
        if (element) {
            enter(element);
        } else {
            leave();
        }
    });
    document.addEventListener('click', event => {
        const element = event.target.closest(told);
        if (element) {
            enter(element);
        } else {
            leave();
        }
    });
    document.addEventListener('scroll', leave, { passive: true, capture: true });
})();

(function variants() {
    // Who works on one system reads all tabs for it, on every page.
    const key = 'lab-os';
    const radios = Array.from(document.querySelectorAll('.lab-tabs > input[data-lab-os]'));

    function choose(os) {
        radios.filter(radio => radio.dataset.labOs === os).forEach(radio => {
            radio.checked = true;
        });
    }

    try {
        choose(localStorage.getItem(key));
    } catch (_) {
        // No storage: the choice lasts as long as the page.
    }
    radios.forEach(radio => radio.addEventListener('change', () => {
        const at = radio.getBoundingClientRect().top;
        choose(radio.dataset.labOs);
        // Panels above may have another height now: keep this one under the finger.
        window.scrollBy(0, radio.getBoundingClientRect().top - at);
        try {
            localStorage.setItem(key, radio.dataset.labOs);
        } catch (_) {
            // As above.
        }
    }));
})();

(function copying() {
    // A terminal shows more than a person typed; only that is copied.
    if (typeof ClipboardJS === 'undefined') {
        return;
    }
    document.querySelectorAll('[data-lab-copy]').forEach(terminal => {
        const button = document.createElement('button');
        button.type = 'button';
        button.className = 'lab-copy';
        button.textContent = 'Copy what is typed';
        terminal.append(button);
    });
    const clipboard = new ClipboardJS('.lab-copy', {
        text: button => button.closest('[data-lab-copy]').dataset.labCopy,
    });
    const tell = (button, text) => {
        const before = button.textContent;
        button.textContent = text;
        setTimeout(() => {
            button.textContent = before;
        }, 1500);
    };
    clipboard.on('success', event => tell(event.trigger, 'Copied'));
    clipboard.on('error', event => tell(event.trigger, 'Could not copy'));
})();

(function printing() {
    // Paper has nothing to click on.
    const opened = [];
    window.addEventListener('beforeprint', () => {
        document.querySelectorAll('.lab-fold:not([open])').forEach(fold => {
            fold.open = true;
            opened.push(fold);
        });
    });
    window.addEventListener('afterprint', () => {
        opened.splice(0).forEach(fold => {
            fold.open = false;
        });
    });
})();
