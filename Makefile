# make book and make test each set up all they need in .venv; nothing else is installed anywhere.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Anything that takes pip's arguments serves: see "A smaller PyTorch" in README.md.
INSTALL ?= $(BIN)/python -m pip install --disable-pip-version-check --quiet --no-compile
PORT ?= 8000
NOTEBOOKS = $(shell git ls-files '*.ipynb')
OXLINT = $(BIN)/node theme/node_modules/oxlint/bin/oxlint --quiet theme lstmlib/figures
LIBRARY = lstmlib tests/test_layers.py tests/test_cells.py tests/test_figures.py \
	$(wildcard $(patsubst lstmlib/%,tests/test_%,$(wildcard lstmlib/*.py)))
STRIP = $(BIN)/nbstripout --keep-id --extra-keys "metadata.widgets metadata.language_info"

# One thread for each process: the notebooks' matrices are small, and threads that wait for each other cost more
# than they bring, above all where two notebooks run at a time.
site test lowest coverage rehearse: export OMP_NUM_THREADS ?= 1

# What is imported is compiled once, on all cores, and kept, even where the machine asks Python not to.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help book site serve lab zip pdf test lowest coverage links rehearse lint claims coursework bench clean

help:  ## Say what each of these does
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

book: site  ## Set up, run the notebooks, build the site, say where it is
	@$(BIN)/python theme/fallen_claims.py _build/html

# Where a claim has fallen the site stands all the same, and can be read, packed and printed.
site: $(VENV)/installed  ## The same, whether or not a claim has fallen
	$(BIN)/jupyter-book build . -q -W -n --keep-going

serve: site  ## Show the site on localhost
	@echo "The book is at http://localhost:$(PORT)/ (Ctrl-C stops it)"
	$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1 --directory _build/html

lab: $(VENV)/installed  ## Open the chapters in JupyterLab
	$(BIN)/jupyter lab chapters

# The site opens from disk, so its folder is the whole course, for a classroom without internet.
zip: site  ## Pack the site for a classroom without internet
	rm -f _build/understanding-lstms.zip
	ln -sfn html _build/understanding-lstms
	cd _build && ../$(BIN)/python -m zipfile -c understanding-lstms.zip understanding-lstms
	@echo "Unpack _build/understanding-lstms.zip and open index.html"

pdf: site  ## Print the book, with Chromium
	$(BIN)/python theme/pdf.py

# The book was built with this processor's own kernels; the tests take others, so that each run tries two.
test: book  ## Run every check, every test, every notebook, and the site in a browser
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/codespell
	$(OXLINT)
	$(STRIP) --verify $(NOTEBOOKS)
	$(BIN)/python experiments/claims.py --as another \
		$(BIN)/python -m pytest -n 2 --dist loadfile --nbval-lax tests lstmlib chapters

# The lower bounds of pyproject.toml, on the oldest Python. Packages as old as these warn of what newer ones that
# they use deprecate.
lowest: LOWEST := _build/lowest
lowest: requirements.txt pyproject.toml  ## Test lstmlib with the oldest packages that it allows
	uv venv --quiet --clear --python 3.11 $(LOWEST)
	uv pip install --quiet --python $(LOWEST) --resolution lowest-direct -r pyproject.toml --extra notebooks
	uv pip install --quiet --python $(LOWEST) $$(grep -E '^(pytest|hypothesis)==' requirements.txt)
	$(LOWEST)/bin/python -m pytest -W ignore::DeprecationWarning $(LIBRARY)

coverage: $(VENV)/installed  ## Say which lines of lstmlib no test of it runs
	$(BIN)/python -m pytest -q -n 2 --cov=lstmlib --cov-branch --cov-report=term-missing:skip-covered $(LIBRARY)

# In a folder of its own: pages that were read without their outputs must not stand in the book.
links: $(VENV)/installed  ## Try every link that leaves the site
	$(BIN)/jupyter-book build . -q --builder linkcheck --path-output _build/links

rehearse: book  ## Do what Binder and Colab do, in fresh environments
	$(BIN)/python .ci/rehearse.py

lint: $(VENV)/installed  ## Tell what style asks for, and mend what can be mended
	$(STRIP) $(NOTEBOOKS)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/codespell
	$(BIN)/mypy
	$(BIN)/python theme/packages.py
	$(OXLINT)

# Every other Python that is installed gets an environment of its own, such as .venv-3.12.
OWN = $(shell $(PYTHON) -c 'import sys; print("3.%d" % sys.version_info[1])')
OTHERS = $(foreach version,$(filter-out $(OWN),3.11 3.12 3.13 3.14),\
	$(if $(shell python$(version) -c pass 2>/dev/null && echo found),$(version)))

claims: $(VENV)/installed $(patsubst %,.venv-%/installed,$(OTHERS))  ## Try every claim on other processors and Pythons
	$(BIN)/python experiments/claims.py --python $(patsubst %,.venv-%/bin/python,$(OTHERS))

# An INSTALL of your own names the environment that it installs into.
.venv-%/installed: requirements.txt pyproject.toml
	$(MAKE) VENV=.venv-$* PYTHON=python$* $(if $(filter-out file,$(origin INSTALL)),INSTALL='$(subst .venv ,.venv-$* ,$(INSTALL) )') $@

coursework: $(VENV)/grading book  ## Make the student versions, and prove that every assignment is graded as it should be
	cd coursework && ../$(BIN)/python -m grader.release
	$(BIN)/python -m pytest -n 2 --dist loadfile coursework tests/test_coursework.py

bench: site  ## Weigh the pages, and measure the LSTM against PyTorch's and in the page
	$(BIN)/python benchmarks/page_weight.py
	$(BIN)/python benchmarks/lstm_speed.py
	$(BIN)/python benchmarks/trainer_speed.py

$(VENV)/installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 15) or sys.exit("This course needs Python 3.11 to 3.14, and $(PYTHON) is " + sys.version.split()[0] + ". Name another with: make $(MAKECMDGOALS) PYTHON=python3.12")'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments: install its venv module (on Debian and Ubuntu, the package python3-venv)."; exit 1; }
	@echo "Setting up $(VENV): some minutes, once"
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) -r requirements.txt
	@touch $@

$(VENV)/grading: requirements-grading.txt $(VENV)/installed
	$(INSTALL) -r requirements-grading.txt
	@touch $@

clean:  ## Remove all that was set up or built; the grades of a class stay
	rm -rf $(VENV) .venv-3.* _build *.egg-info theme/node_modules coursework/release
