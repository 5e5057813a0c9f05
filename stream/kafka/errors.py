"""What to do about an error of Kafka's: every class that aiokafka knows is classed here, once."""

from __future__ import annotations

from enum import Enum

from aiokafka import errors
from aiokafka.errors import KafkaError

from stream.runtime.errors import UserError


class Remedy(Enum):
    """What makes the same work succeed."""

    RETRY = "the same again: Kafka is away, or busy with itself"
    NEW_PRODUCER = "the same again, by a new producer: this one has lost its place in Kafka's books"
    SHORTER = "a shorter record"
    UNDATED = "the record without a timestamp of its own"
    USER = "nothing but somebody's help"


_RETRY = (
    KafkaError,
    errors.IllegalStateError,  # a partition was taken away between two calls
    errors.NoBrokersAvailable,
    errors.NodeNotReadyError,
    errors.KafkaProtocolError,
    errors.CorrelationIdError,
    errors.Cancelled,
    errors.TooManyInFlightRequests,
    errors.StaleMetadata,
    errors.MetadataEmptyBrokerList,
    errors.CommitFailedError,
    errors.KafkaUnavailableError,
    errors.KafkaTimeoutError,
    errors.KafkaConnectionError,
    errors.QuotaViolationError,
    errors.NoOffsetForPartitionError,
    errors.BrokerResponseError,
    errors.NoError,
    errors.UnknownError,
    errors.OffsetOutOfRangeError,  # whoever claims the shard anew says which records are gone
    errors.CorruptRecordException,
    errors.UnknownTopicOrPartitionError,  # a new topic is known a little later; topics.py watches
    errors.InvalidFetchRequestError,
    errors.LeaderNotAvailableError,
    errors.NotLeaderForPartitionError,
    errors.RequestTimedOutError,
    errors.BrokerNotAvailableError,
    errors.ReplicaNotAvailableError,
    errors.StaleControllerEpochError,
    errors.StaleLeaderEpochCodeError,
    errors.GroupLoadInProgressError,
    errors.GroupCoordinatorNotAvailableError,
    errors.NotCoordinatorForGroupError,
    errors.NotEnoughReplicasError,
    errors.NotEnoughReplicasAfterAppendError,
    errors.IllegalGenerationError,
    errors.UnknownMemberIdError,
    errors.RebalanceInProgressError,
    errors.NotControllerError,
    errors.ConcurrentTransactions,
    errors.TransactionCoordinatorFenced,
    errors.OperationNotAttempted,
    errors.KafkaStorageError,
    errors.LogDirNotFound,
    errors.ReassignmentInProgress,
    errors.NonEmptyGroup,
    errors.GroupIdNotFound,
    errors.FetchSessionIdNotFound,
    errors.InvalidFetchSessionEpoch,
    errors.ListenerNotFound,
    errors.MemberIdRequired,
)
_NEW_PRODUCER = (
    errors.ProducerClosed,
    errors.ProducerFenced,
    errors.OutOfOrderSequenceNumber,
    errors.DuplicateSequenceNumber,
    errors.InvalidProducerEpoch,
    errors.InvalidTxnState,
    errors.InvalidProducerIdMapping,
    errors.UnknownProducerId,
)
_SHORTER = (errors.RecordTooLargeError, errors.MessageSizeTooLargeError, errors.RecordListTooLargeError)
_UNDATED = (errors.InvalidTimestampError,)

_RIGHTS = "give the Kafka user that Assidu connects as the right to it (an ACL)"
_LOGIN = (
    "put right how Assidu logs in: ASSIDU_KAFKA_SASL_MECHANISM, and ASSIDU_KAFKA_USERNAME and ASSIDU_KAFKA_PASSWORD, "
    "or ASSIDU_KAFKA_TOKEN_FILE"
)
_OLD = "Assidu needs Apache Kafka 2.1 or later, or a broker that speaks its protocol"
_NAMES = "look at the names in ASSIDU_TOPIC_PREFIX and ASSIDU_GROUP"
_TIMES = (
    "choose an ASSIDU_KAFKA_SESSION_TIMEOUT between the broker's group.min.session.timeout.ms and "
    "group.max.session.timeout.ms"
)
_GROUP = "another program is in the consumer group of this name: choose another ASSIDU_GROUP"
_CODEC = "install Assidu with all that it depends on (aiokafka with lz4, snappy and zstd)"
_SETTINGS = "look at the settings and policies of the topic and the broker"
_ADVICE: dict[str, tuple[type[Exception], ...]] = {
    _RIGHTS: (
        errors.TopicAuthorizationFailedError,
        errors.GroupAuthorizationFailedError,
        errors.ClusterAuthorizationFailedError,
        errors.TransactionalIdAuthorizationFailed,
        errors.DelegationTokenAuthorizationFailed,
    ),
    _LOGIN: (
        errors.AuthenticationMethodNotSupported,
        errors.AuthenticationFailedError,
        errors.UnsupportedSaslMechanismError,
        errors.IllegalSaslStateError,
        errors.SaslAuthenticationFailed,
        errors.SecurityDisabled,
        errors.DelegationTokenAuthDisabled,
        errors.DelegationTokenNotFound,
        errors.DelegationTokenOwnerMismatch,
        errors.DelegationTokenRequestNotAllowed,
        errors.DelegationTokenExpired,
        errors.InvalidPrincipalType,
    ),
    _OLD: (
        errors.UnrecognizedBrokerVersion,
        errors.IncompatibleBrokerVersion,
        errors.UnsupportedVersionError,
        errors.UnsupportedForMessageFormatError,
        errors.InvalidRequestError,
    ),
    _NAMES: (errors.InvalidTopicError, errors.InvalidGroupIdError),
    _TIMES: (errors.InvalidSessionTimeoutError,),
    _GROUP: (errors.InconsistentGroupProtocolError,),
    _CODEC: (errors.UnsupportedCodecError,),
    _SETTINGS: (
        errors.IllegalArgumentError,
        errors.KafkaConfigurationError,
        errors.OffsetMetadataTooLargeError,
        errors.InvalidRequiredAcksError,
        errors.InvalidCommitOffsetSizeError,
        errors.TopicAlreadyExistsError,
        errors.InvalidPartitionsError,
        errors.InvalidReplicationFactorError,
        errors.InvalidReplicationAssignmentError,
        errors.InvalidConfigurationError,
        errors.PolicyViolationError,
        errors.InvalidTransactionTimeout,
    ),
}

REMEDIES: dict[type[Exception], Remedy] = {
    **dict.fromkeys(_RETRY, Remedy.RETRY),
    **dict.fromkeys(_NEW_PRODUCER, Remedy.NEW_PRODUCER),
    **dict.fromkeys(_SHORTER, Remedy.SHORTER),
    **dict.fromkeys(_UNDATED, Remedy.UNDATED),
    **{kind: Remedy.USER for kinds in _ADVICE.values() for kind in kinds},
}


def remedy(error: KafkaError) -> Remedy:
    """Of the error's class, or else of the nearest one that it is a kind of."""
    return next(REMEDIES[kind] for kind in type(error).__mro__ if kind in REMEDIES)


def is_transient(error: KafkaError) -> bool:
    """Does the very same succeed, sooner or later, when it is tried again?"""
    return remedy(error) in (Remedy.RETRY, Remedy.NEW_PRODUCER)


def refusal(error: KafkaError, doing: str) -> UserError:
    """What somebody has to do about an error that does not pass; `doing` is what failed, as in "write to clicks"."""
    return UserError(f"Kafka refuses to {doing} ({error}): {advice(error)}")


def advice(error: KafkaError) -> str:
    """What to put right where an error does not pass."""
    return next((advice for advice, kinds in _ADVICE.items() if isinstance(error, kinds)), _SETTINGS)
