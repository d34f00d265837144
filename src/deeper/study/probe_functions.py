"""Whether the functions that a study's probes name exist and take the arguments given, without importing them.

They import torch, which takes seconds; what is needed here stands in their source.
"""

import ast
import importlib.util
import inspect
import pkgutil
from pathlib import Path

import deeper.probes
from deeper.errors import DeeperError, hint
from deeper.run.arguments import checked, parameters
from deeper.schema.study import Probe, Study

LEAST = {"warmup": 0}  # of the counts that functions take; of all others 1
BY_POSITION = ("network", "data", "seed")  # what every function is called with


def check_functions(study: Study, where: str) -> None:
    """See that every probe can be called.

    Raises:
        DeeperError: there is no such function, it has no such argument, needs one that is not given, or one is of
            another kind.
    """
    for name, probe in study.probes.items():
        _check(probe, f"{where}: study.probes.{name}")


def _check(probe: Probe, where: str) -> None:
    signature = _signature(probe.of, f"{where}.of")
    taken = list(signature.parameters)
    own = [name for name in taken[len(BY_POSITION) :] if name != "config"]
    given = dict.fromkeys([*probe.arguments, *(["config"] if "config" in taken else [])])
    for argument in probe.arguments:
        if argument not in own:
            raise DeeperError(f"{where}.{argument}: {probe.of} has no such argument; {hint(argument, own)}")
    for argument, value in probe.arguments.items():
        checked(f"{where}.{argument}", argument, value, parameters(probe.of) or {argument: ""})
        if type(value) is int and value < LEAST.get(argument, 1):
            raise DeeperError(f"{where}.{argument}={value}: it must be a whole number of at least 1")
    try:
        signature.bind(*BY_POSITION, **given)
    except TypeError as error:
        raise DeeperError(f"{where}: {probe.of} {error}") from None


def _signature(of: str, where: str) -> inspect.Signature:
    module, _, name = of.rpartition(".")
    functions = {node.name: node for node in _tree(module, where).body if isinstance(node, ast.FunctionDef)}
    if name not in functions:
        public = [function for function in functions if not function.startswith("_")]
        raise DeeperError(f"{where}: {module} has no function {name!r}; {hint(name, public)}")
    arguments = functions[name].args
    for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]:
        argument.annotation = None
    arguments.defaults = [ast.Constant(None) for _ in arguments.defaults]
    arguments.kw_defaults = [default and ast.Constant(None) for default in arguments.kw_defaults]
    same = ast.Expression(ast.Lambda(arguments, ast.Constant(None)))
    return inspect.signature(eval(compile(ast.fix_missing_locations(same), of, "eval")))


def _tree(module: str, where: str) -> ast.Module:
    names = [f"deeper.probes.{found.name}" for found in pkgutil.iter_modules(deeper.probes.__path__)]
    spec = importlib.util.find_spec(module) if module in names else None
    if spec is None or spec.origin is None:
        raise DeeperError(f"{where}: there is no module {module!r} of probes; {hint(module, names)}")
    return ast.parse(Path(spec.origin).read_bytes())
