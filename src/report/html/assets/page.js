
// The page: charts, theme, tables --------------------------------------------------------------------

function sortable(table) {
  const body = table.tBodies[0];
  const order = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const key = (row, column) => {
    const cell = row.cells[column];
    if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
    return heads[column].classList.contains("number") ? null : cell.textContent;
  };
  heads.forEach((head, column) => {
    const label = head.querySelector("span");
    const toggle = document.createElement("button");
    toggle.type = "button";
    toggle.textContent = label.textContent;
    label.replaceWith(toggle);
    toggle.addEventListener("click", () => {
      // Numbers: the largest first, for trouble is large. A third click brings the first order back.
      const number = head.classList.contains("number");
      const cycle = number ? ["descending", "ascending", null] : ["ascending", "descending", null];
      const now = cycle[(cycle.indexOf(head.getAttribute("aria-sort")) + 1) % 3];
      for (const other of heads) other.removeAttribute("aria-sort");
      if (now) head.setAttribute("aria-sort", now);
      const sign = now === "descending" ? -1 : 1;
      const sorted = now ? [...order].sort((a, b) => {
        const [one, two] = [key(a, column), key(b, column)];
        // What was not measured stands last in either direction.
        if (one === null || two === null) return (one === null) - (two === null);
        return sign * (typeof one === "number" ? one - two : one.localeCompare(two, "en", { numeric: true }));
      }) : order;
      body.append(...sorted);
    });
  });
}

function theme() {
  const toggle = document.querySelector("button.theme");
  const themes = [["", "automatic"], ["light", "light"], ["dark", "dark"]];
  let at = 0;
  toggle.hidden = false;
  toggle.addEventListener("click", () => {
    at = (at + 1) % themes.length;
    const [name, text] = themes[at];
    if (name) document.documentElement.dataset.theme = name;
    else delete document.documentElement.dataset.theme;
    toggle.textContent = `Theme: ${text}`;
  });
}

// What is folded: open where a link leads to, and on paper.
function unfold() {
  const open = (places) => places.forEach((place) => { place.open = true; });
  const target = () => {
    const place = document.getElementById(location.hash.slice(1));
    if (place) open(place.querySelectorAll("details"));
  };
  addEventListener("hashchange", target);
  target();
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    open(opened);
  });
  addEventListener("afterprint", () => opened.forEach((place) => { place.open = false; }));
}

{
  const specs = JSON.parse(document.querySelector("script[type='application/json']").textContent);
  document.querySelectorAll("figure.chart").forEach((figure) => {
    figure.wirestorm = new Chart(figure, specs[Number(figure.dataset.chart)]);
  });
  document.querySelectorAll("table.sortable").forEach(sortable);
  theme();
  unfold();
}
