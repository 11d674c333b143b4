"""Faults that surrobench survives: of each the mechanism, the tests, and the guard that they need.

A guard is a piece of the code that the mechanism consists of: the file, the text, and what it is
replaced by to remove it. A test that still passes without the guard of its case tests nothing;
``guards.py`` tries that.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Guard:
    """A piece of code, and what takes its place when it is removed."""

    file: str
    text: str
    instead: str


@dataclass(frozen=True)
class Case:
    """One fault: its name, what happens instead of harm, how, and which tests show it."""

    name: str
    case: str
    mechanism: str
    tests: tuple[str, ...]
    guard: Guard | None = None


S, C, T, R, P = "tests/studies/", "tests/cli/", "tests/tasks/", "tests/report/", "surrobench/"
STORE, CONTENTS, SEGMENTS = (f"{P}studies/{n}.py" for n in ("store", "contents", "segments"))

CASES = (
    Case("F1", "driver killed at any moment", "a record is a file that appears by rename after fsync; `run` resumes",
         (f"{S}test_runner.py::test_a_killed_run_goes_on_bit_by_bit_alike",),
         Guard(f"{P}studies/runner.py", "            store.write(record)\n", "            found_late = record\n")),
    Case("F2", "death at every step of a write", "files appear whole; what was taken into a segment goes only afterwards",
         (f"{S}test_segments.py::test_a_process_that_dies_anywhere_loses_nothing_that_it_had_kept",),
         Guard(STORE, "            write_segment(next_path(self.segments), [*taken, *latest.values()])\n            failpoint(\"segment-written\")\n            if filling is not None:\n                filling.path.unlink()\n                filling = None\n            failpoint(\"segment-replaced\")\n            for key in latest.keys() & snapshot.loose.keys():\n                os.unlink(snapshot.loose[key])\n",
               "            for key in latest.keys() & snapshot.loose.keys():\n                os.unlink(snapshot.loose[key])\n            failpoint(\"segment-written\")\n            write_segment(next_path(self.segments), [*taken, *latest.values()])\n            failpoint(\"segment-replaced\")\n")),
    Case("F3", "a worker is killed", "every worker is a pool of its own with one item",
         (f"{S}test_executor.py::test_a_bad_item_costs_itself", f"{S}test_runner.py::test_every_misdeed_costs_its_own_cell_and_has_a_reason")),
    Case("F4", "SIGINT, SIGTERM", "workers are killed, the run ends with 3 and says how to go on",
         (f"{S}test_runner.py::test_an_interrupted_run_says_how_to_go_on", f"{C}test_interruptions.py")),
    Case("F5", "a cell hangs, in C code too", "a deadline; the process group is killed",
         (f"{S}test_executor.py::test_a_hanging_item_is_stopped_at_its_deadline", f"{S}test_executor.py::test_what_a_hanging_item_started_is_stopped_too")),
    Case("F6", "a cell exceeds its memory", "`RLIMIT_DATA` in the worker", (f"{S}test_executor.py::test_a_hungry_item_runs_out_of_memory",)),
    Case("F7", "a predictor raises", "the end of the traceback is the reason; there is no number",
         (f"{S}test_faults.py::test_an_item_that_fails_leaves_the_process_as_it_found_it", "tests/predictors/test_make_predictor.py::test_a_plug_in_that_raises_is_named_with_its_file_and_line"),
         Guard(f"{P}studies/worker.py", '    except BaseException:  # a SystemExit of foreign code must not take the worker along\n        return "error", traceback.format_exc()\n', "    except ArithmeticError:\n        raise\n")),
    Case("F8", "NaN, wrong shapes, negative variances, inputs written to", "answers are checked; inputs are read-only",
         ("tests/predictors/test_predictive.py::test_predictions_that_are_not_finite_are_refused_with_the_reason", "tests/predictors/test_predictive.py::test_negative_variances_are_refused", "tests/predictors/test_regressors.py::test_writing_to_the_inputs_is_refused_by_name")),
    Case("F9", "constant predictions", "tau is 0, and flagged", ("tests/metrics/test_ranking.py::test_constant_predictions_score_zero_and_constant_truth_is_undefined", "tests/metrics/test_prediction.py::test_constant_predictions_are_flagged")),
    Case("F10", "a training diverges", "an evaluation with the value of failure; the search goes on", (f"{T}test_live.py::test_a_diverged_training_is_an_evaluation", f"{S}test_pipeline.py::test_diverged_trainings_are_candidates_without_a_value")),
    Case("F11", "matrices that cannot be factorised", "jitter is escalated and told", ("tests/predictors/test_gp_fit.py::test_jitter_is_escalated_recorded_and_part_of_the_noise", "tests/predictors/test_gp_fit.py::test_what_cannot_be_factorised_is_said")),
    Case("F12", "disk full", "finished cells are kept, status 3",
         (f"{S}test_store.py::test_a_failed_write_leaves_the_old_file_and_no_rubbish", f"{C}test_commands.py::test_a_full_disk_stops_the_run_and_says_how_to_go_on"),
         Guard(f"{P}atomic.py", "        temporary.unlink(missing_ok=True)\n", "        pass\n")),
    Case("F13", "the folder cannot be written to", "it is tried before any work", (f"{S}test_store.py::test_a_folder_that_cannot_be_written_is_a_clear_message",),
         Guard(STORE, "        except OSError as error:\n            reason", "        except ZeroDivisionError as error:\n            reason")),
    Case("F14", "two runs in one folder", "a lock of the kernel's; the second is refused",
         (f"{S}test_promises.py::test_of_two_runs_in_one_folder_one_is_refused_and_no_cell_is_there_twice",),
         Guard(STORE, "            lock.acquire()\n", "            pass\n")),
    Case("F15", "a stale lock", "the kernel frees it with its holder", (f"{S}test_store.py::test_a_folder_in_use_is_refused_and_free_after_a_kill", f"{S}test_promises.py::test_what_a_killed_run_held_is_free_at_once"),
         Guard(STORE, "        try:\n            lock.acquire()\n", "        try:\n            if holder.exists():\n                raise Timeout(str(holder))\n            lock.acquire()\n")),
    Case("F16", "flipped bytes, torn files", "SHA-256 of every record and of every segment; damage is set aside and computed anew",
         (f"{S}test_segments.py::test_every_flipped_byte_costs_the_record_that_it_is_in_and_no_other", f"{S}test_kept_files.py::test_a_changed_byte_is_never_used"),
         Guard(SEGMENTS, "            if digest.hexdigest() == self.digest:\n", "            if digest:\n")),
    Case("F16b", "damage in a file of a single record", "its seal", (f"{S}test_store.py::test_every_flipped_byte_is_noticed",),
         Guard(f"{P}sealed.py", "    if content[:start] != expected or not content.endswith(_TAIL):\n", "    if not content:\n")),
    Case("F17", "temporary files left behind", "never read, swept at the next start", (f"{S}test_store.py::test_leftovers_of_a_killed_run_are_swept_and_never_read",),
         Guard(STORE, "            path.unlink(missing_ok=True)\n        return len(leftovers)", "            pass\n        return len(leftovers)")),
    Case("F18", "the view deleted or stale", "made anew from the records", (f"{S}test_runner.py::test_the_view_is_rebuilt_byte_by_byte", f"{S}test_kept_files.py::test_a_damaged_view_of_a_run_is_made_from_the_cells"),
         Guard(f"{P}studies/view.py", "    if _was_made_of(path) == digest and fits_beside(path):\n", "    if _was_made_of(path) == digest:\n")),
    Case("F19", "the plan changed", "other keys; refused with what changed unless `--update`", (f"{S}test_runner.py::test_a_changed_predictor_does_not_replace_results_silently",),
         Guard(f"{P}studies/runner.py", "    if changed and not update:\n", "    if changed and not changed:\n")),
    Case("F20", "the clock jumps", "durations are of the monotonic clock", (f"{S}test_promises.py::test_a_clock_that_jumps_back_makes_no_negative_seconds",)),
    Case("F22", "forked threads and GPUs", "workers are spawned", (f"{S}test_promises.py::test_workers_are_spawned",),
         Guard(f"{P}studies/executor.py", "class _Context(SpawnContext):\n", "import multiprocessing.context\n\n\nclass _Context(multiprocessing.context.ForkContext):\n")),
    Case("F+", "folders of earlier versions", "files of single records are read as they lie, and packed", (f"{S}test_earlier_run.py",),
         Guard(CONTENTS, "            for folder in record_folders(cells)\n            for name in os.listdir(folder)\n", "            for folder in record_folders(cells)[:0]\n            for name in os.listdir(folder)\n")),
    Case("D1", "workers, order, shards", "seeds of the cell's key; nothing shared", (f"{S}test_runner.py::test_two_workers_and_another_order_give_the_same_numbers", f"{S}test_merging.py::test_merged_shards_are_the_run_that_was_not_cut")),
    Case("D2", "an added method changes another's numbers", "global generators are seeded by the cell", (f"{S}test_runner.py::test_a_damaged_record_is_replaced_and_an_added_predictor_changes_no_other_number", f"{S}test_seeded.py::test_draws_of_foreign_code_depend_on_the_cell_alone", f"{S}test_faults.py::test_settings_that_a_plug_in_leaves_change_no_other_number")),
    Case("D3", "another environment on resume", "told, and kept beside the results", (f"{S}test_promises.py::test_another_environment_is_told_of",),
         Guard(f"{P}studies/run_files.py", "    if other:\n", "    if not now:\n")),
    Case("D4", "leakage", "equal networks are on one side; labels never reach scaling or tuning", (f"{S}test_protocols.py::test_grouped_never_splits_equal_networks",)),
    Case("D5", "seconds in the hash", "they are no part of the numbers", (f"{S}test_store.py::test_the_digest_ignores_order_and_timing", f"{S}test_run_hash.py"),
         Guard(STORE, "canonical_json(record.numbers)", "canonical_json([record.numbers, record.timing])")),
    Case("I1", "unknown keys and names", "the line, and what was meant", (f"{S}test_config.py::test_mistakes", f"{T}test_card.py::test_an_unknown_key_is_named_with_its_line_and_a_suggestion")),
    Case("I2", "keys that stand twice, wrong numbers", "refused with the line", (f"{S}test_config.py::test_what_no_study_has_is_refused_with_its_line",)),
    Case("I3", "wrong rows of a table", "all are listed; `drop` counts", (f"{T}test_bad_tables.py",)),
    Case("I4", "sizes that cannot be", "refused when planned", (f"{S}test_grid.py::test_mistakes_are_found_before_any_work", f"{S}test_grid.py::test_sizes_beyond_the_pool_are_refused_or_skipped")),
    Case("I5", "names that are no file names", "a slug and a hash", (f"{S}test_runner.py::test_odd_names_become_safe_folder_names",)),
    Case("I6", "100,000 cells", "keys are distinct; see the table of costs", (f"{S}test_grid.py::test_a_hundred_thousand_cells_have_distinct_keys",)),
    Case("I8", "no network, wrong checksum, half a file", "SHA-256; no partial file stays", (f"{T}test_sources.py::test_bad_downloads_leave_nothing_behind", f"{T}test_sources.py::test_a_server_that_is_not_there")),
    Case("I9", "no GPU", "said", ("tests/training/test_devices.py::test_an_absent_gpu_is_said_to_be_absent",)),
    Case("S1", "pickles given as data", "refused by their first bytes", (f"{T}test_bad_tables.py::test_pickles_are_refused_under_any_name",)),
    Case("S2", "a source that is a pickle", "an unpickler with a list of names, after the checksum", (f"{T}test_unpickle.py::test_nothing_hostile_ever_runs", f"{T}test_unpickle.py::test_the_hostile_files_are_really_hostile")),
    Case("S3", "hostile archives", "members are read in memory, up to a size", (f"{T}test_archives.py",)),
    Case("S5", "hostile names in a report", "escaped; a policy without scripts of others", (f"{R}test_page_in_browser.py::test_hostile_names_are_shown_and_never_run", f"{R}test_page_in_browser.py::test_the_policy_stops_what_slips_in", f"{R}test_page_in_browser.py::test_no_request_and_no_error")),
    Case("S6", "LaTeX and spreadsheet formulas", "escaped", (f"{R}test_escaping.py", f"{R}test_tables.py::test_hostile_names_are_text")),
    Case("S7", "code named by a folder of results", "only with `--allow-code`", (f"{S}test_promises.py::test_a_folder_of_results_imports_no_code", f"{S}test_config.py::test_files_may_not_name_code_unless_allowed")),
    Case("S8", "secrets in the environment", "a list of variables that are kept", (f"{S}test_promises.py::test_no_secret_of_the_environment_is_kept",),
         Guard(f"{P}studies/environment.py", '        "threads": {name: workers[name] for name in THREAD_VARIABLES},\n', '        "threads": dict(os.environ),\n')),
    Case("S9", "test labels shown to a method", "they stay with the task", (f"{S}test_search.py::test_test_scores_are_reported_but_never_seen",)),
)  # fmt: skip
"""Cases F21 and I7 have no test here; the first is of clusters."""
