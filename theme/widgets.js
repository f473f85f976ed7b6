// Draws the live figures of a page from the state that the notebook left in it: no kernel, no require.js.
// Of Jupyter's own manager for plain pages this is the part that figures need; the rest of it (every
// renderer of JupyterLab's outputs, two generations of the controls) weighs four times as much.
import * as base from "@jupyter-widgets/base";
import { ManagerBase } from "@jupyter-widgets/base-manager";
import * as controls from "@jupyter-widgets/controls";
import { Widget } from "@lumino/widgets";
import makeAnywidget from "anywidget";
import { present } from "./present.js";
import "@lumino/widgets/style/index.css";
import "@jupyter-widgets/controls/css/labvariables.css";
import "@jupyter-widgets/controls/css/widgets-base.css";

const MODULES = {
  "@jupyter-widgets/base": base,
  "@jupyter-widgets/controls": controls,
  anywidget: makeAnywidget(base),
};

class Manager extends ManagerBase {
  async loadClass(name, module) {
    const found = MODULES[module]?.[name];
    if (!found) throw new Error(`theme/widgets.js brings no ${name} of ${module} to the site`);
    return found;
  }

  // Without a kernel nobody listens.
  async _create_comm() {
    return { on_close() {}, on_msg() {}, close() {} };
  }

  async _get_comm_info() {
    return {};
  }
}

const scriptsOf = (kind) => document.querySelectorAll(`script[type="application/vnd.jupyter.widget-${kind}+json"]`);

async function draw() {
  const manager = new Manager();
  for (const state of scriptsOf("state")) await manager.set_state(JSON.parse(state.textContent));
  for (const place of scriptsOf("view")) {
    const model = await manager.get_model(JSON.parse(place.textContent).model_id);
    const figure = document.createElement("div");
    figure.className = "widget-subarea";
    place.before(figure);
    Widget.attach((await manager.create_view(model)).luminoWidget, figure);
  }
}

const loaded = (target) => new Promise((done) => ["load", "error"].forEach((kind) => target.addEventListener(kind, done)));

const sheet = document.createElement("link");
sheet.rel = "stylesheet";
sheet.href = document.currentScript.src.replace(/\.js(\?.*)?$/, ".css");
document.head.append(sheet);
// anywidget gives a figure two seconds to begin, which a page that is still loading may need for itself.
Promise.all([loaded(sheet), loaded(window)]).then(draw).then(present);
