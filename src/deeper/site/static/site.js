// Hands the page's charts to Vega and its tables to DataTables; the lists above a table filter its columns.
const charts = document.querySelectorAll(".chart script");
if (charts.length)
  library("vega").then(() => charts.forEach((script) => {
    const chart = script.parentElement;
    vegaEmbed(chart.appendChild(document.createElement("div")), specification(script), {
      actions: false, renderer: "svg", tooltip: { theme: "custom" }, config: chartConfiguration,
      logLevel: 1, // errors alone: it warns of every layer that is switched off
    })
      .then(() => { chart.dataset.ready = "true"; });
  }));

// A chart has each part that it repeats once, and a number in its places; charts.js has what several charts share.
function specification(script) {
  const { parts, chart } = JSON.parse(script.textContent);
  const placed = (value) => {
    if (Array.isArray(value)) return value.map(placed);
    if (value === null || typeof value !== "object") return value;
    if ("part" in value) return placed(parts[value.part]);
    if ("common" in value) return placed(commonParts[value.common]);
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, placed(one)]));
  };
  return placed(chart);
}

// A library is packed in a file of its own. A browser lets a page from a folder import no file as a module, but a blob.
function library(name) {
  const bytes = Uint8Array.from(atob(packed[name]), (letter) => letter.charCodeAt(0));
  const text = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const module = new Response(text, { headers: { "Content-Type": "text/javascript" } });
  return module.blob().then((blob) => import(URL.createObjectURL(blob)));
}

// A network's layers, from the data of the chart above them; blocks alike are the lines of one.
const layers = document.querySelector("#layers");
if (layers) {
  const { params, datasets } = specification(charts[0]);
  const [kinds, shapes] = ["kinds", "shapes"].map((list) => params.find(({ name }) => name === list).value);
  Object.values(datasets)[0].forEach(({ times, first, layer, kind, shape, macs, params, activations }) => {
    layer.forEach((name, place) => {
      const line = layers.tBodies[0].insertRow();
      line.insertCell().textContent = name.replace("#", `${first}–${first + times - 1}`);
      if (times > 1) line.cells[0].insertAdjacentHTML("beforeend", ` <small>×${times}</small>`);
      line.insertCell().textContent = kinds[kind[place]];
      [shapes[shape[place]], ...[params, macs, activations].map((number) => number[place].toLocaleString("en"))]
        .forEach((said) => { Object.assign(line.insertCell(), { className: "n", textContent: said }); });
    });
  });
}

// Tables of a group are chosen from together, by the lists and the search box above them; another has a box of its own.
const sortable = document.querySelectorAll("table.sortable");
if (sortable.length)
  library("datatables").then(({ jQuery }) => {
    const made = new Map();
    sortable.forEach((table) => {
      const own = !table.dataset.group && table.tBodies[0].rows.length > 8;
      made.set(table, jQuery(table).DataTable({
        paging: false, info: false, order: [], autoWidth: false,
        layout: { topStart: own ? "search" : null, topEnd: null, bottomStart: null, bottomEnd: null },
        language: { search: "Find in this table", zeroRecords: "No line fits" },
      }));
    });
    document.querySelectorAll(".filters").forEach((filters) => {
      const tables = [...made.keys()].filter((table) => (table.dataset.group || table.id) === filters.dataset.filters);
      const choose = () => tables.forEach((table) => chooseRows(table, made.get(table), filters, jQuery));
      ["input", "change"].forEach((event) => filters.addEventListener(event, choose));
      choose(); // a browser may keep a choice when it loads a page again
    });
    sortable.forEach((table) => { table.dataset.ready = "true"; });
  });

function chooseRows(table, made, filters, jQuery) {
  filters.querySelectorAll("select").forEach((list) => {
    const escaped = jQuery.fn.dataTable.util.escapeRegex(list.value);
    const whole = list.value ? `(^|, )${escaped}(,|$)` : "";
    made.column(Number(list.dataset.column)).search(whole, { regex: true, smart: false });
  });
  filters.querySelectorAll("input").forEach((box) => made.search(box.value));
  made.draw();
  const isChosen = [...filters.querySelectorAll("select, input")].some((one) => one.value.trim());
  const fold = table.closest("details");
  if (fold) unfold(fold, isChosen, made.rows({ search: "applied" }).count());
}

// A fold shows itself while rows of it are chosen, and goes back to what it was when nothing is chosen any more.
function unfold(fold, isChosen, fitting) {
  fold.hidden = isChosen && !fitting;
  fold.querySelector(".fitting").textContent = isChosen ? `(${fitting} found)` : "";
  if (isChosen && !fold.open) {
    fold.open = true;
    fold.dataset.opened = "by a choice";
  } else if (!isChosen && fold.dataset.opened) {
    fold.open = false;
    delete fold.dataset.opened;
  }
}
