"""Who answers: request and context → `RoutingDecision`.

router.py        rules first, the classifier last
classifier.py    one small model's word, within its budget; its prompt is classifier.md
conversation.py  the excerpt that it reads
"""

from api.routing.classifier import RoutingClassifier, load_classifier_prompt
from api.routing.router import RequestRouter, RoutingDecision, always_the_model

__all__ = ["RequestRouter", "RoutingClassifier", "RoutingDecision", "always_the_model", "load_classifier_prompt"]
