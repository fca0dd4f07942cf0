"""Mutants of our own code: mistakes that somebody could make in good faith, and the checks that must see each of them.

Each replaces one text, which stands exactly once in its file. Knows not how they are run.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """One mistake: `before` becomes `after` in a file; `harm` says what a studio would suffer; `checks` are pytest's node ids."""

    name: str
    file: str
    before: str
    after: str
    harm: str
    checks: tuple[str, ...]


_SPOILED = "tests/store/test_minio_store.py::test_a_create_whose_answer_is_spoiled_still_knows_that_it_won"
_MINIO = "tests/store/test_minio_store.py::TestMinioStore"
_FOLDER = "tests/cluster/test_folder_store.py::TestFolderStore"
_AGAIN = "test_creating_again_is_true_for_the_same_bytes_and_false_for_others"
_DISPATCHER = "tests/cluster/test_dispatcher.py"
_RESUMED = "tests/jobs/training/test_checkpoint.py::test_killed_and_resumed_in_the_same_shapes_is_the_same_to_the_bit"

STORE = (
    Mutant(
        "no read-back on 412",
        "cluster/minio_store.py",
        "            if self._small.put_if_absent(key, data):\n                return True\n",
        "            return self._small.put_if_absent(key, data)\n",
        "A training whose record was kept while the answer got lost is told as somebody else's.",
        (
            f"{_MINIO}::{_AGAIN}",
            "tests/store/test_races.py::test_a_create_whose_answer_and_whose_look_are_lost_learns_later_that_it_won",
        ),
    ),
    Mutant(
        "blind retry after silence",
        "cluster/minio_store.py",
        "        except StoreUnavailable as silent:\n            unsettled = silent\n",
        "        except StoreUnavailable:\n            return self._small.put_if_absent(key, data)\n",
        "One lost answer, and the writer of a record is told that it lost the race against itself.",
        (_SPOILED,),
    ),
    Mutant(
        "the client retries by itself",
        "cluster/minio_store.py",
        "            retries=False,  # the client's own would send a conditional PUT again, blindly\n",
        "            retries=urllib3.Retry(5, status_forcelist=[500, 502, 503, 504], allowed_methods=None),\n",
        "A busy store is asked five times as often, and what was asked is not what we count.",
        (_SPOILED,),
    ),
    Mutant(
        "condition in a metadata header",
        "cluster/minio_store.py",
        '                self._client._execute("PUT", self._name, key, body=data, headers=headers)\n',
        "                self._client.put_object(\n"
        '                    self._name, key, BytesIO(data), len(data), metadata={"If-None-Match": "*"}\n'
        "                )\n",
        "The last of two attempts overwrites what the first was told is recorded for good.",
        (f"{_MINIO}::{_AGAIN}", f"{_MINIO}::test_of_many_who_create_one_key_at_once_exactly_one_wins"),
    ),
    Mutant(
        "a full store is a failure",
        "cluster/s3_errors.py",
        "    if code in _FULL or status == 507:\n        return StoreUnavailable(",
        "    if code in _FULL or status == 507:\n        return StoreError(",
        "Trainings fail for good because a disk was full for a minute.",
        ("tests/cluster/test_s3_errors.py::test_what_is_refused_for_now_may_be_tried_again",),
    ),
    Mutant(
        "no digest check",
        "jobs/keys.py",
        "    if key.startswith(CAS) and ",
        "    if key.startswith(CAS) and False and ",
        "A photograph that rotted on the disk is trained on, and an adapter that did is delivered.",
        (f"{_FOLDER}::test_a_blob_that_was_tampered_with_is_never_given_out",),
    ),
    Mutant(
        "the folder renames over what stands",
        "cluster/folder_store.py",
        "                os.link(scratch, place)\n",
        "                os.replace(scratch, place)\n",
        "Of two farms on one folder, the later overwrites the earlier one's records.",
        (f"{_FOLDER}::{_AGAIN}", f"{_FOLDER}::test_of_many_who_create_one_key_at_once_exactly_one_wins"),
    ),
    Mutant(
        "the folder writes in place",
        "cluster/folder_store.py",
        "        handle, name = tempfile.mkstemp(dir=self._scratch)\n",
        "        handle, name = tempfile.mkstemp(dir=self.root)\n",
        "Half of a file that a dead process was writing is listed as if it were kept.",
        ("tests/cluster/test_folder_store.py::test_a_writer_killed_before_the_last_step_leaves_nothing_to_be_seen",),
    ),
    Mutant(
        "not flushed to the disk",
        "cluster/folder_store.py",
        "                os.fsync(file.fileno())\n",
        "",
        "After a power cut, a record stands and is empty.",
        ("tests/cluster/test_folder_flush.py",),
    ),
    Mutant(
        "a record before its blobs",
        "jobs/publish.py",
        "    _require_blobs(store, key, blobs)\n",
        "",
        "An image is told as done, and its bytes are not there.",
        ("tests/jobs/test_publish.py::test_a_record_that_names_a_missing_blob_is_not_written",),
    ),
    Mutant(
        "another write id at each try",
        "jobs/publish.py",
        "write_id or secrets.token_hex(16)}",
        "secrets.token_hex(16)}",
        "A writer that tries again after a lost answer takes its own record for a double.",
        ("tests/jobs/test_publish.py::test_publishing_again_with_the_same_write_id_wins_again",),
    ),
)

DISPATCHER = (
    Mutant(
        "leases by the wall clock",
        "cluster/engine.py",
        "steady=self._clock.monotonic(), ",
        "steady=self._clock.now(), ",
        "When a machine's clock is set, every worker loses its work at once.",
        ("tests/cluster/test_clock_jumps.py",),
    ),
    Mutant(
        "a steady clock that is not",
        "cluster/clocks.py",
        "        return time.monotonic()\n",
        "        return time.time()\n",
        "When a machine's clock is set back, a frozen worker keeps its lease for hours.",
        ("tests/cluster/test_clock_jumps.py",),
    ),
    Mutant(
        "finished without a record",
        "cluster/dispatcher.py",
        "                entry.finished_attempt = event.attempt\n                return [Look(entry.job, event.attempt)]\n",
        "                self.book.move(entry, JobState.DONE)\n                return []\n",
        "A training is told as done that nobody can ever fetch.",
        (f"{_DISPATCHER}::test_finished_is_believed_when_the_store_has_the_record",),
    ),
    Mutant(
        "news counted twice",
        "cluster/dispatcher.py",
        "            if event.number > worker.last_event:\n",
        "            if event:\n",
        "One failure whose answer was lost counts three times, and the job has failed for good.",
        (f"{_DISPATCHER}::test_news_told_twice_count_once",),
    ),
    Mutant(
        "a new process taken for the old",
        "cluster/dispatcher.py",
        "        if known is not None and known.incarnation != hello.incarnation:\n",
        "        if known is None and hello.incarnation:\n",
        "Work of a worker that died waits until its leases run out, half a minute each time.",
        (f"{_DISPATCHER}::test_a_new_process_of_the_same_name_holds_nothing_of_the_old",),
    ),
    Mutant(
        "a late wish counts",
        "cluster/dispatcher.py",
        "        if 0 < wanted.generation < before.generation:\n",
        "        if wanted.generation < 0:\n",
        "What a studio changed its mind about is made all the same, and what it wants now is cancelled.",
        (f"{_DISPATCHER}::test_a_set_of_an_older_generation_comes_too_late_to_count",),
    ),
    Mutant(
        "a thawed worker is left at work",
        "cluster/dispatcher.py",
        "            return []\n        return self._stop(worker.name, held.job, at)\n",
        "            return []\n        return []\n",
        "Two GPUs train the same adapter to the end, and one of them for nothing.",
        (f"{_DISPATCHER}::test_a_worker_that_thaws_is_stopped_where_another_has_its_job",),
    ),
    Mutant(
        "an old dispatcher is obeyed",
        "cluster/worker.py",
        "            if epoch < self._epoch:\n",
        "            if epoch < 0:\n",
        "Two dispatchers order one worker about, and each stops what the other began.",
        ("tests/cluster/test_worker.py::test_an_older_epoch_is_refused_and_the_same_one_is_not",),
    ),
    Mutant(
        "lost workers are held against a job",
        "cluster/ledger.py",
        "    struck = [record for record in records if record.reason != LOST]\n",
        "    struck = records\n",
        "Three nodes that were taken away, and a sound training has failed for good.",
        ("tests/cluster/test_engine.py::test_a_look_counts_the_failures_since_the_last_retry_lost_workers_aside",),
    ),
    Mutant(
        "two in charge of one epoch",
        "cluster/ledger.py",
        "    while not store.create(keys.epoch(epoch), claim):\n        epoch += 1\n",
        "    store.put(keys.epoch(epoch), claim)\n",
        "Two farms on one store both believe to be in charge, and lease every job twice.",
        ("tests/cluster/test_one_in_charge.py",),
    ),
)

WORK = (
    Mutant(
        "a checkpoint's pointer before its blob",
        "jobs/training/checkpoint.py",
        "        state=blobs.put(store, _packed(checkpoint)),\n"
        '        samples=blobs.put_json(store, [sample.model_dump(mode="json") for sample in checkpoint.samples]),\n'
        "        own=True,\n"
        "    )\n"
        "    key = keys.checkpoint(asked, checkpoint.step, attempt)\n"
        '    failpoints.reach("checkpoint.before-pointer")\n'
        '    store.create(key, canonical(pointer.model_dump(mode="json")))\n',
        "        state=__import__('hashlib').sha256(_packed(checkpoint)).hexdigest(),\n"
        '        samples=blobs.put_json(store, [sample.model_dump(mode="json") for sample in checkpoint.samples]),\n'
        "        own=True,\n"
        "    )\n"
        "    key = keys.checkpoint(asked, checkpoint.step, attempt)\n"
        '    store.create(key, canonical(pointer.model_dump(mode="json")))\n'
        '    failpoints.reach("checkpoint.before-pointer")\n'
        "    blobs.put(store, _packed(checkpoint))\n",
        "The newest checkpoint of a worker that died names nothing, and hours are trained again.",
        ("tests/jobs/training/test_checkpoint_order.py",),
    ),
    Mutant(
        "resumed a step too far",
        "jobs/training/trainer.py",
        "    project.step, project.seconds = found.step, found.seconds\n",
        "    project.step, project.seconds = found.step + 1, found.seconds\n",
        "After a fault an adapter is trained a step less, and no longer the one that was asked for.",
        (f"{_RESUMED}[4]",),
    ),
    Mutant(
        "noise that is no function of the step",
        "jobs/training/randomness.py",
        "    return torch.randn(deck.batch, *deck.shape, generator=generator(seed, step, purpose))\n",
        "    return torch.randn(deck.batch, *deck.shape)\n",
        "The same recipe trained twice is two adapters, and a resumed one is a third.",
        (
            "tests/jobs/training/test_randomness.py::test_the_same_seed_and_step_choose_the_same_and_others_choose_otherwise",
            f"{_RESUMED}[4]",
        ),
    ),
    Mutant(
        "rows that should rest are moved",
        "jobs/training/optimizer.py",
        "    chosen = rows[active]\n"
        "    weights[chosen], moments.mean[chosen], moments.square[chosen] = weight[active], mean[active], square[active]\n",
        "    weights[rows], moments.mean[rows], moments.square[rows] = weight, mean, square\n",
        "Padding drifts, and a brand whose training diverged is delivered as noise.",
        (
            "tests/jobs/training/test_optimizer.py::test_rows_that_are_not_active_keep_weights_and_moments_whatever_their_gradient",
        ),
    ),
    Mutant(
        "padding wears a brand's row",
        "jobs/training/trainer.py",
        "        padding = [NO_ADAPTER] * (chosen.rows - len(projects))\n",
        "        padding = [chosen.slots[0]] * (chosen.rows - len(projects))\n"
        "        self._rows.bank.weights[padding] *= 0.999\n",
        "What only fills up the shape of a step wears down the adapter of the first brand in it.",
        ("tests/jobs/training/test_equality.py::test_three_projects_of_one_recipe_are_each_as_if_alone",),
    ),
    Mutant(
        "noise of a whole batch from one seed",
        "jobs/generation/noise.py",
        "    return torch.stack([initial(seed, shape) for seed in seeds])",
        "    return torch.stack([initial(seeds[0] + place, shape) for place in range(len(seeds))])",
        "An image depends on its neighbours in the batch, and can never be made again.",
        ("tests/jobs/generation/test_renderer.py::test_an_image_has_the_same_bits_alone_and_in_any_mixed_batch",),
    ),
)

MUTANTS = (*STORE, *DISPATCHER, *WORK)
