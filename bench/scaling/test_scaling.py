"""The model, the simulation and the document hold together. Run by tests/run; some seconds."""
import json
import unittest

import costs
import fit
import growth
import model
import scaling
import what_if
from machines import Engine, Machine, Process
from simulation import Fleet, Load, simulate

TOLERANCE = 1e-5  # what is kept has six digits


class Costs(unittest.TestCase):
    def test_every_cost_says_how_it_is_known_and_where_from(self):
        for name, cost in costs.COSTS.items():
            self.assertIn(cost.kind, (costs.MEASURED, costs.FITTED, costs.ASSUMED), name)
            self.assertTrue(cost.source and cost.value > 0, name)

    def test_the_measured_runs_are_those_of_the_page(self):
        page = (scaling.DOCUMENT.parent / "PERFORMANCE.md").read_text()
        measured = page.split("## Measured")[1].split("\n## ")[0]
        for name, run in costs.RUNS.items():
            if run["rate"] > 1_000:
                self.assertIn(f"{run['rate']:,}", measured, name)
            for kind, seconds in run["cpu"].items():
                if name != "400/s in 500 threads, 1 shard":  # the mean of two runs
                    self.assertTrue(f"{seconds:.3f}" in measured or f"{seconds:.2f}" in measured, f"{name}: {kind}")

    def test_the_constants_are_those_of_the_sources(self):
        root = scaling.HERE.parent.parent
        for path, line in [
            ("libs/bus/src/publish.rs", f"LINGER: Duration = Duration::from_millis({costs.LINGER_MS:.0f});"),
            ("libs/protocol/src/frame.rs", f"FRAME_MAX_ITEMS: usize = {costs.FRAME_ITEMS};"),
            ("libs/protocol/src/frame.rs", f"FRAME_MAX_BYTES: usize = {costs.FRAME_BYTES:_};"),
            ("libs/bus/src/consume/batch.rs", "BATCH_MAX_ITEMS: usize = 2 * FRAME_MAX_ITEMS;"),
            ("libs/bus/src/consume/pipeline.rs", f"PREFETCH: u16 = {costs.PREFETCH};"),
            ("libs/bus/src/consume/pipeline.rs", f"FINALIZE_EVERY: Duration = Duration::from_millis({costs.FINALIZE_MS:.0f});"),
            ("libs/bus/src/topology.rs", f"MAX_SHARDS: u16 = {costs.SHARDS_MAX};"),
            ("libs/ingress/src/ws/upstream/receipts.rs", f"STEPS: u32 = {costs.RECEIPT_STEPS};"),
            ("libs/ports/src/presence.rs", f"HEARTBEAT: Duration = Duration::from_secs({costs.HEARTBEAT_S});"),
            ("libs/ports/src/registry.rs", f"RENEW_EVERY: Duration = Duration::from_secs({costs.HEARTBEAT_S});"),
            ("libs/protocol/src/participants.rs", f"PARTICIPANTS_MAX: usize = {costs.PEOPLE_MAX:_};"),
            ("libs/protocol/src/change/cursor.rs", f"RECEIPT_PARTICIPANTS_MAX: usize = {costs.RECEIPT_PEOPLE_MAX};"),
        ]:
            self.assertIn(line, (root / path).read_text(), path)


class Model(unittest.TestCase):
    def test_a_busy_lane_fills_frames_and_a_quiet_one_sends_each_message_alone(self):
        self.assertAlmostEqual(model.frames(1, 1), 1, places=2)
        self.assertAlmostEqual(1000 / model.frames(1000, 1), 4.02, places=2)
        self.assertAlmostEqual(model.frames(10_000_000, 1), 10_000_000 / 227)

    def test_an_event_reaches_every_gateway_if_its_thread_is_large_and_one_if_there_is_one(self):
        self.assertEqual(model.gateways_of(5_000, 1), 1)
        self.assertAlmostEqual(model.gateways_of(5_000, 53), 53, places=3)
        self.assertAlmostEqual(model.gateways_of(2, 2), 1.5)

    def test_large_threads_have_no_receipts_and_busy_ones_share_them(self):
        self.assertEqual(model.receipts_of(model.Need(0, 100, people=101)), 0)
        self.assertEqual(model.receipts_of(model.Need(0, 100, people=3)), 200)
        self.assertEqual(model.receipts_of(model.Need(0, 100, people=3, per_thread=10)), 20)

    def test_no_gateway_has_more_sockets_than_were_measured(self):
        for sockets, rate in model.SIZES:
            found = model.plan(model.Need(sockets, rate))
            self.assertLessEqual(sockets / found.gateways, costs.SOCKETS_MEASURED_MAX)

    def test_more_load_never_needs_less(self):
        plans = [model.plan(model.Need(sockets, rate)) for sockets, rate in model.SIZES]
        for field in ["gateways", "shards", "rabbit_cores", "mongo_cores", "redis_cores", "gateway_cores"]:
            values = [getattr(found, field) for found in plans]
            self.assertEqual(values, sorted(values), field)


class Simulation(unittest.TestCase):
    def test_a_machine_shares_its_cores_by_turns(self):
        engine, ended = Engine(), {}
        machine = Machine(engine, 1)
        for name, work in [("long", 10.0), ("short", 1.0)]:
            machine.run(work, lambda name=name: ended.setdefault(name, engine.now), ())
        engine.run(100)
        self.assertEqual(ended["long"], 11)
        self.assertLess(ended["short"], 11.1)

    def test_a_process_that_is_busy_is_not_woken_again(self):
        engine = Engine()
        process = Process(Machine(engine, 4), "redis", threads=1)
        for _ in range(5):
            process.run(1.0, lambda: None)
        engine.run(100)
        self.assertAlmostEqual(process.busy, 5 + costs.ms("wake.redis"))

    def test_the_same_seed_gives_the_same_figures(self):
        load = Load(rate=500, seconds=.5, warm_up=.2)
        one, other, third = (vars(simulate(Fleet(one_machine=2), load, seed)) for seed in (1, 1, 2))
        self.assertEqual(one, other)
        self.assertNotEqual(one["p99"], third["p99"])

    def test_what_is_offered_is_delivered_while_no_machine_is_full(self):
        fleet = Fleet(gateways=3, shards=2, rabbit_nodes=3, replicas=3)
        seen = simulate(fleet, Load(rate=800, people=5, threads=50, seconds=1, warm_up=.5))
        self.assertAlmostEqual(seen.rate / seen.offered, 1, delta=.05)
        self.assertLess(max(seen.busiest.values()), .9)

    def test_a_closed_loop_keeps_its_messages_in_flight(self):
        seen = simulate(Fleet(one_machine=2), Load(in_flight=100, receipts=False, seconds=1, warm_up=.5))
        self.assertLess(seen.waiting["end"], 250)
        self.assertGreater(seen.rate, 1_000)

    def test_lanes_thin_out_frames_as_the_model_says(self):
        fleet = Fleet(gateways=4, shards=4, rabbit_cores=8, store_cores=8)
        seen = simulate(fleet, Load(rate=4_000, threads=5_000, receipts=False, seconds=1, warm_up=.2))
        told = 4_000 / model.frames(4_000, 16)
        self.assertAlmostEqual(seen.frames["frame from a gateway"] / told, 1, delta=.1)

    def test_every_replica_does_the_work_of_a_frame(self):
        load = Load(rate=1_000, receipts=False, seconds=1, warm_up=.2)
        alone = simulate(Fleet(rabbit_nodes=1, rabbit_cores=8), load).cpu["rabbitmq"]
        three = simulate(Fleet(rabbit_nodes=3, rabbit_cores=8, replicas=3), load).cpu["rabbitmq"]
        self.assertGreater(three, 1.5 * alone)

    def test_a_step_that_breaks_says_what(self):
        fleet, whole = growth.STEPS[0].fleet, {"busiest": {"mongod": .5}, "growing": {"persist": 1.0}, "rate": 1, "offered": 1, "p99": 5}
        self.assertIsNone(growth.breaks(growth.STEPS[0], fleet, whole))
        self.assertIn("sockets at a gateway", growth.breaks(growth.STEPS[1], fleet, whole))
        self.assertIn("mongod", growth.breaks(growth.STEPS[0], fleet, {**whole, "busiest": {"mongod": .95}}))
        self.assertIn("`persist`", growth.breaks(growth.STEPS[0], fleet, {**whole, "growing": {"persist": 900.0}}))
        self.assertIn("late", growth.breaks(growth.STEPS[0], fleet, {**whole, "rate": .5}))


class Fit(unittest.TestCase):
    def test_every_fitted_cost_belongs_to_a_process_that_was_measured(self):
        for name, cost in costs.COSTS.items():
            if cost.kind == costs.FITTED:
                self.assertIn(fit.kind_of(name), scaling.KINDS, name)

    def test_the_simulated_machine_is_as_near_to_the_real_one_as_the_page_says(self):
        kept = json.loads(scaling.RESULTS.read_text())["check"]
        for name, run in costs.RUNS.items():
            seen = kept[name]
            self.assertLess(abs(seen["rate"] / run["rate"] - 1), .15, name)
            for kind in set(run["cpu"]) - {"redis", "rabbitmq"}:
                self.assertLess(abs(seen["cpu"][kind] / seen["rate"] * 1000 / run["cpu"][kind] - 1), 1 / 3, f"{name}: {kind}")


class Document(unittest.TestCase):
    def setUp(self):
        self.results = json.loads(scaling.RESULTS.read_text())

    def same(self, one, other, where=""):
        if isinstance(one, dict):
            self.assertEqual(one.keys(), other.keys(), where)
            for key in one:
                self.same(one[key], other[key], f"{where} {key}")
        elif isinstance(one, float):
            self.assertAlmostEqual(one, other, delta=TOLERANCE * max(1, abs(one)), msg=where)
        else:
            self.assertEqual(one, other, where)

    def test_the_tables_are_what_the_script_writes(self):
        text = scaling.DOCUMENT.read_text()
        told = scaling.filled(text, scaling.tables(self.results))
        self.assertEqual(text, told, "bench/scaling/scaling.py --write")

    def test_the_kept_figures_are_those_of_the_simulation(self):
        seed, why = self.results["seed"], "bench/scaling/scaling.py --simulate --write"
        for name in ["1,000/s, 1 shard", "400/s in 500 threads, 4 shards"]:
            self.same(scaling.rounded(scaling.check_one(name, seed)), self.results["check"][name], f"{why}: {name}")
        first = growth.STEPS[0]
        self.same(scaling.rounded(growth.run(first, first.fleet, seed)), self.results["growth"][0]["after"], why)

    def test_every_step_and_every_question_has_its_figures(self):
        self.assertEqual([result["rate"] for result in self.results["growth"]], [step.rate for step in growth.STEPS])
        self.assertEqual(len(self.results["what_if"]), len(what_if.QUESTIONS))


if __name__ == "__main__":
    unittest.main()
