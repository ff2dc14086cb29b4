// The page's script: the colour switch, tooltips by pointer, tap and keyboard, sorting, copying, and opening
// folded parts for print. The page is complete without it. Constants only: texts come from the page, and go
// into it as text.
#include "report/style.h"

namespace hone::layout {
namespace {

constexpr std::string_view kScript = R"js(
(() => {
  const root = document.documentElement;
  const stored = {
    get() { try { return localStorage.getItem('hone-theme'); } catch { return null; } },
    set(value) { try { localStorage.setItem('hone-theme', value); } catch { /* private window: not remembered */ } },
  };
  const theme = stored.get();
  if (theme === 'dark' || theme === 'light') root.dataset.theme = theme;

  const setUpTheme = () => {
    const system = matchMedia('(prefers-color-scheme: dark)');
    const isDark = () => root.dataset.theme === 'dark' || (!root.dataset.theme && system.matches);
    for (const button of document.querySelectorAll('button.theme')) {
      const name = () => { button.textContent = isDark() ? 'Light' : 'Dark'; };
      button.setAttribute('aria-label', 'Switch between light and dark');
      button.addEventListener('click', () => {
        root.dataset.theme = isDark() ? 'light' : 'dark';
        stored.set(root.dataset.theme);
        name();
      });
      system.addEventListener('change', name);
      name();
      button.hidden = false;
    }
  };

  const setUpFigures = () => {
    const tip = document.createElement('div');
    tip.className = 'tip';
    tip.hidden = true;
    tip.setAttribute('role', 'status');
    document.body.append(tip);
    const texts = new Map();
    const show = (group, x, y) => {
      tip.hidden = false;
      tip.textContent = texts.get(group);
      const box = tip.getBoundingClientRect();
      tip.style.left = Math.max(8, Math.min(x + 14, root.clientWidth - box.width - 8)) + 'px';
      const above = y - box.height - 12;
      tip.style.top = (above < 8 ? y + 18 : above) + 'px';
    };
    const showAt = (group) => {
      const box = (group.querySelector('.dot, .bar, path') || group).getBoundingClientRect();
      show(group, box.right - 8, box.top);
    };
    const hide = () => { tip.hidden = true; };
    for (const group of document.querySelectorAll('.plot g.mark, .plot g.column')) {
      const title = group.querySelector(':scope > title');
      texts.set(group, title.textContent);
      title.remove();  // else the browser shows it as well
      if (!group.matches('.mark')) continue;
      group.setAttribute('tabindex', '0');
      group.setAttribute('role', 'img');
      group.setAttribute('aria-label', texts.get(group));
      group.closest('svg').setAttribute('role', 'group');
      group.addEventListener('focus', () => showAt(group));
      group.addEventListener('blur', hide);
    }
    for (const svg of document.querySelectorAll('.plot')) {
      const columns = [...svg.querySelectorAll('g.column')];
      if (!columns.length) continue;
      let at = -1;
      const go = (to) => {
        if (columns[at]) columns[at].classList.remove('on');
        at = Math.max(0, Math.min(to, columns.length - 1));
        columns[at].classList.add('on');
        showAt(columns[at]);
      };
      const leave = () => { if (columns[at]) columns[at].classList.remove('on'); hide(); };
      svg.setAttribute('tabindex', '0');
      svg.addEventListener('focus', () => { if (svg.matches(':focus-visible')) go(at < 0 ? columns.length - 1 : at); });
      svg.addEventListener('blur', leave);
      svg.addEventListener('keydown', (event) => {
        const step = { ArrowLeft: at - 1, ArrowRight: at + 1, PageUp: at - 10, PageDown: at + 10, Home: 0,
          End: columns.length - 1 }[event.key];
        if (event.key === 'Escape') leave();
        if (step === undefined) return;
        event.preventDefault();
        go(step);
      });
      const about = document.createElement('p');
      about.className = 'note hint';
      about.textContent = 'Hover, tap, or focus the figure and press the arrow keys for the numbers.';
      if (svg.matches('.wide')) svg.closest('figure').append(about);
    }
    const follow = (event) => {
      const group = event.target.closest && event.target.closest('.plot g.column, .plot g.mark');
      if (group) show(group, event.clientX, event.clientY);
      else hide();
    };
    document.addEventListener('pointermove', follow);
    document.addEventListener('pointerdown', follow);
    document.addEventListener('scroll', hide, { passive: true });
    document.addEventListener('keydown', (event) => { if (event.key === 'Escape') hide(); });
  };

  // A click sorts upwards, the next downwards, the third as it was. What has no value stays last.
  const setUpSorting = () => {
    for (const table of document.querySelectorAll('table.sortable')) {
      const body = table.tBodies[0];
      const asWritten = [...body.rows];
      const value = (row, i) => {
        const cell = row.cells[i];
        if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
        const text = cell.textContent;
        if (!cell.matches('.n')) return text;
        const number = parseFloat(text.replace(/\u2212/g, '-').replace(/[\u202f\u00a0]/g, ''));
        return Number.isNaN(number) ? null : number;
      };
      const compare = (a, b) => (typeof a === 'number' && typeof b === 'number' ? a - b
        : String(a).localeCompare(String(b)));
      [...table.tHead.rows[0].cells].forEach((head, i) => {
        const button = document.createElement('button');
        button.type = 'button';
        button.className = 'sort';
        button.append(...head.childNodes);
        head.append(button);
        button.addEventListener('click', () => {
          const next = { ascending: 'descending', descending: '' }[head.getAttribute('aria-sort')];
          const order = next === undefined ? 'ascending' : next;
          for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort');
          if (order) head.setAttribute('aria-sort', order);
          const rows = [...asWritten];
          if (order) {
            rows.sort((a, b) => {
              const x = value(a, i), y = value(b, i);
              if (x === null || y === null) return (x === null) - (y === null);
              return order === 'ascending' ? compare(x, y) : compare(y, x);
            });
          }
          body.append(...rows);
        });
      });
    }
  };

  const setUpCopying = () => {
    for (const block of document.querySelectorAll('.code')) {
      const pre = block.querySelector('pre');
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'copy';
      button.textContent = 'Copy';
      const copied = () => {
        button.textContent = 'Copied';
        setTimeout(() => { button.textContent = 'Copy'; }, 1500);
      };
      const select = () => {
        getSelection().selectAllChildren(pre);
        if (document.execCommand('copy')) copied();
      };
      button.addEventListener('click', () => {
        if (navigator.clipboard) navigator.clipboard.writeText(pre.textContent).then(copied, select);
        else select();
      });
      block.append(button);
    }
  };

  const setUpPrint = () => {
    const closed = [];
    addEventListener('beforeprint', () => {
      for (const part of document.querySelectorAll('details:not([open]):not(.data)')) {
        part.open = true;
        closed.push(part);
      }
    });
    addEventListener('afterprint', () => { while (closed.length) closed.pop().open = false; });
  };

  addEventListener('DOMContentLoaded', () => {
    setUpTheme();
    setUpFigures();
    setUpSorting();
    setUpCopying();
    setUpPrint();
  });
})();
)js";

}  // namespace

std::string_view page_script() {
  return kScript;
}

}  // namespace hone::layout
