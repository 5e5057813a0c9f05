"""The real Apache Kafka for the tests: one KRaft node on the loopback, from the jars that `make kafka` fetched."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from stream.demo.embedded import KafkaServer, free_port
from stream.runtime.errors import UserError

JARS = Path(__file__).parents[2] / ".kafka"
CLUSTER_ID = "assidu-tests-00000000A"  # 16 bytes in base64, any

SERVER_PROPERTIES = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={folder}
auto.create.topics.enable=false
# Everybody may do everything, but for what a test forbids.
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
# One node holds the only copy of everything.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
# Tests wait for nothing and nobody, and their histories are years old.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.retention.ms=-1
# After a kill the node may not come back before its former session has ended (9 s by default).
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
"""


class ApacheKafka(KafkaServer):
    """A broker and controller in one Java process; its topics outlive `stop` and `kill`."""

    title = "apache-kafka"
    durable = True

    def __init__(self) -> None:
        super().__init__()
        java = shutil.which("java")
        if java is None or not any(JARS.glob("kafka_*.jar")):
            raise UserError("Apache Kafka needs java (17 or later) on PATH and its jars: run `make kafka`")
        self._java = [java, "-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-Dlog4j2.level=WARN", "-cp", f"{JARS}/*"]
        self._properties = self.folder / "server.properties"
        self._properties.write_text(self.properties(free_port(), self.folder / "stored"))
        self._format()

    def properties(self, controller_port: int, folder: Path) -> str:
        """Its server.properties; of two lines of one name the latter counts."""
        return SERVER_PROPERTIES.format(port=self.port, controller_port=controller_port, folder=folder)

    def format_options(self) -> list[str]:
        """Of kafka-storage format, besides what it must have."""
        return []

    def command(self) -> list[str]:
        return [*self._java, "kafka.Kafka", str(self._properties)]

    def _format(self) -> None:
        """Prepare the empty log folder, which KRaft refuses to start without."""
        tool = ["kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(self._properties)]
        command = [*self._java, *tool, *self.format_options()]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise UserError(f"Apache Kafka could not format its log folder:\n{done.stdout}{done.stderr}")
